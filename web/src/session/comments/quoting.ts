/** Words of others on their way into the field from which a driver writes to the agent. */

type Take = (words: string) => void;

const fields = new Map<string, Take>();

/** The field of a session takes what is quoted, until the returned function is called. */
export function takeQuotes(sessionId: string, take: Take): () => void {
  fields.set(sessionId, take);
  return () => {
    if (fields.get(sessionId) === take) fields.delete(sessionId);
  };
}

/** Put a comment into the field: whose it is, and each line behind `> `. */
export function quote(sessionId: string, author: string, text: string): void {
  const lines = text.split("\n").map((line) => (line === "" ? ">" : `> ${line}`));
  fields.get(sessionId)?.([`${author} commented:`, "", ...lines, ""].join("\n"));
}
