import { HUB, Refusal, refusal, Unreachable } from "./client";

/** One message of a server-sent stream. */
export interface Message {
  id: string | null;
  event: string;
  data: string;
}

/** A stream from which nothing came for this long, not even a keep-alive comment, is dead. */
const SILENCE_MS = 40_000;

/**
 * Read a server-sent stream until it ends.
 *
 * `EventSource` tells neither a status nor the name of an event that it was not asked about, and
 * does not notice a connection that died silently; this does. It ends when the hub ends it, and
 * throws `Refusal` or `Unreachable`.
 */
export async function* readStream(
  path: string,
  signal: AbortSignal,
  opened?: () => void,
): AsyncGenerator<Message[]> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const response = await fetch(`${HUB}${path}`, {
      headers: { Accept: "text/event-stream" },
      signal: AbortSignal.any([signal, silence.signal]),
    });
    if (!response.ok || !response.body) {
      throw refusal(response.status, await response.json().catch(() => null));
    }
    opened?.();
    const parser = new Parser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      const messages = parser.push(value);
      if (messages.length > 0) yield messages;
    }
  } catch (error) {
    if (signal.aborted || error instanceof Refusal) throw error;
    throw new Unreachable({ cause: error });
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

/** Takes text in pieces of any length, gives the messages that are complete. */
export class Parser {
  private rest = "";
  private id: string | null = null;
  private event = "message";
  private data: string[] = [];

  push(text: string): Message[] {
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    const messages: Message[] = [];
    for (const line of lines) {
      if (line === "") {
        if (this.data.length > 0) {
          messages.push({ id: this.id, event: this.event, data: this.data.join("\n") });
        }
        this.event = "message";
        this.data = [];
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) continue;
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "data") this.data.push(value);
      else if (field === "event") this.event = value;
      else if (field === "id") this.id = value;
    }
    return messages;
  }
}
