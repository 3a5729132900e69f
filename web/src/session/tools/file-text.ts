/** What an agent's read tool gave, as the file that it is: without the numbers put before each line. */
export interface FileText {
  text: string;
  /** The number of the first line. */
  first: number;
}

const NUMBERED = /^\s*(\d+)(?:[:|→]|\t) ?(.*)$/;
const REMARK = /^\s*(\(.*\))?\s*$/;

export function fileText(output: string): FileText {
  const inner = /<(content|file)>\n?([\s\S]*?)\n?<\/\1>/.exec(output)?.[2] ?? output;
  const lines = inner.split("\n");
  const matches = lines.map((line) => NUMBERED.exec(line));
  const first = Number(matches[0]?.[1] ?? Number.NaN);
  const end = matches.findIndex((match, index) => Number(match?.[1]) !== first + index);
  const count = end < 0 ? lines.length : end;
  // Every line has its number, or what follows are the tool's own remarks: "(End of file)".
  if (count === 0 || !lines.slice(count).every((line) => REMARK.test(line))) {
    return { text: inner, first: 1 };
  }
  return {
    text: matches
      .slice(0, count)
      .map((match) => match?.[2] ?? "")
      .join("\n"),
    first,
  };
}
