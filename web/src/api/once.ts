/** Requests that the hub does once, however often they have to be sent. */
import { Unreachable } from "./client";

/** How long to wait before each further attempt, in milliseconds. */
const PAUSES = [400, 1200, 3000];

/** A key that is new. (`randomUUID` is there for TLS and loopback alone.) */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Sends what somebody asks for under a key of its own, and again while the hub does not answer.
 *
 * Who asks for the same again after that has failed gets the same key: if the hub had done it and
 * only its answer was lost, it is not done twice.
 */
export class Once {
  private failed: { asked: string; key: string } | null = null;

  async send<T>(asked: unknown, send: (headers: Record<string, string>) => Promise<T>): Promise<T> {
    const words = JSON.stringify(asked);
    const key = this.failed?.asked === words ? this.failed.key : newKey();
    for (const pause of [...PAUSES, null]) {
      try {
        const answer = await send({ "Idempotency-Key": key });
        this.failed = null;
        return answer;
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        this.failed = { asked: words, key };
        if (pause === null) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
    throw new Unreachable();
  }
}
