/** What the hub put behind a person's words: an issue or a pull request, quoted. */
export interface Quoted {
  /** What the person said. */
  own: string;
  /** What is quoted: `issue #7 of acme/tool`. */
  what: string;
  host: string;
  /** The words of others, each line behind `> `. */
  words: string;
}

/** As `bunkhouse.sessions.quoting` writes it; at the end of a prompt, and once. */
const BLOCK =
  /(?:^|\n\n)The block below quotes (?<what>(?:issue|pull request) #\d+ of \S+) at (?<host>\S+), by [^\n]*\n[^\n]*\n\n(?<fence>~{4,}) untrusted text from \k<host>\n(?<words>[\s\S]*)\n\k<fence>\nThe quote from \k<host> ends here\.$/;

/** A prompt in its two voices; null where it has one. */
export function quotedIn(text: string): Quoted | null {
  const found = BLOCK.exec(text);
  if (!found?.groups) return null;
  const { what = "", host = "", words = "" } = found.groups;
  return { own: text.slice(0, found.index), what, host, words };
}
