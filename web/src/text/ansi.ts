/** Colours of terminals, as far as they tell something: sixteen colours, bold, faint, underlined. */

export interface Span {
  text: string;
  color: AnsiColor | null;
  bold: boolean;
  faint: boolean;
  underline: boolean;
}

const COLORS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;
export type AnsiColor = (typeof COLORS)[number];

const PLAIN: Omit<Span, "text"> = { color: null, bold: false, faint: false, underline: false };

const ESC = String.fromCharCode(27);
const BEL = String.fromCharCode(7);
/** Control sequences (their parameters and last letter are kept), titles and links, single letters. */
const ESCAPE = new RegExp(
  `${ESC}(?:\\[([0-9;:?<=>]*)[ -/]*([@-~])|\\][^${BEL}${ESC}]*(?:${BEL}|${ESC}\\\\)?|[@-Z\\\\-_])`,
  "g",
);

/** A line that was written over (a progress bar) shows what was written last. */
function overwritten(text: string): string {
  if (!text.includes("\r")) return text;
  return text
    .replaceAll("\r\n", "\n")
    .split("\n")
    .map((line) => line.replace(/\r+$/, "").slice(line.replace(/\r+$/, "").lastIndexOf("\r") + 1))
    .join("\n");
}

export function parseAnsi(raw: string): Span[] {
  const text = overwritten(raw);
  const spans: Span[] = [];
  let style = PLAIN;
  let last = 0;
  const take = (end: number) => {
    if (end > last) spans.push({ text: text.slice(last, end), ...style });
  };
  for (const match of text.matchAll(ESCAPE)) {
    take(match.index);
    last = match.index + match[0].length;
    if (match[2] === "m") style = restyle(style, match[1] ?? "");
  }
  take(text.length);
  return spans;
}

function restyle(style: typeof PLAIN, parameters: string): typeof PLAIN {
  const codes = parameters.split(/[;:]/).map(Number);
  let next = style;
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index] ?? 0;
    if (code === 0) next = PLAIN;
    else if (code === 1) next = { ...next, bold: true };
    else if (code === 2) next = { ...next, faint: true };
    else if (code === 4) next = { ...next, underline: true };
    else if (code === 22) next = { ...next, bold: false, faint: false };
    else if (code === 24) next = { ...next, underline: false };
    else if (code === 39) next = { ...next, color: null };
    else if (code >= 30 && code <= 37) next = { ...next, color: COLORS[code - 30] ?? null };
    else if (code >= 90 && code <= 97) next = { ...next, color: COLORS[code - 90] ?? null };
    else if (code === 38 || code === 48) {
      // 256 colours and true colour: of the former, the first sixteen are the ones we have.
      const mode = codes[index + 1];
      const value = codes[index + 2] ?? 16;
      if (code === 38) next = { ...next, color: mode === 5 ? (COLORS[value % 8] ?? null) : null };
      if (code === 38 && value > 15) next = { ...next, color: null };
      index += mode === 5 ? 2 : 4;
    }
  }
  return next;
}
