/** The two ends of a long output: the runner put a line between them that says how much is missing. */
export function endsOf(output: string, leftOut: number): { head: string; tail: string } | null {
  if (leftOut <= 0) return null;
  const line = `\n… ${leftOut.toLocaleString("en-US")} bytes left out …\n`;
  const at = output.indexOf(line);
  if (at < 0) return null;
  return { head: output.slice(0, at), tail: output.slice(at + line.length) };
}
