import { api, take } from "@/api/client";
import { keepConnected, type Link } from "@/api/connection";
import { readStream } from "@/api/sse";
import type { EventPage, LogEvent } from "@/api/types";
import { fold } from "./fold";
import { EMPTY, type Transcript } from "./model";

const PAGE = 2000;

export interface LogState {
  transcript: Transcript;
  /** Everything that was there when the page asked has been read. */
  loaded: boolean;
  link: Link;
  error: Error | null;
}

/**
 * One session's log, read from where we are to its end and then followed.
 *
 * What there is comes in folded pages, what happens from then on as a stream. Every connection
 * goes on after the last event that was folded in, so that nothing is missed and nothing doubles.
 */
export class SessionLog {
  private state: LogState = { transcript: EMPTY, loaded: false, link: "connecting", error: null };
  private readonly listeners = new Set<() => void>();
  private waiting: LogEvent[] = [];
  private frame: number | null = null;
  private disconnect: (() => void) | null = null;

  constructor(readonly sessionId: string) {}

  readonly snapshot = (): LogState => this.state;

  /** The log is followed as long as someone listens, and kept for when they come back. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    this.disconnect ??= keepConnected({
      run: (signal, opened) => this.read(signal, opened),
      changed: (link, error) => this.set({ link, error }),
    });
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size > 0) return;
      this.disconnect?.();
      this.disconnect = null;
    };
  };

  private async read(signal: AbortSignal, opened: () => void): Promise<void> {
    let after: number | null = this.state.transcript.lastSeq;
    while (after !== null) {
      const page: EventPage = await this.page(after, signal);
      this.add(page.items);
      this.flush();
      after = page.next;
    }
    this.set({ loaded: true });
    const { lastSeq } = this.state.transcript;
    const url = `/api/sessions/${encodeURIComponent(this.sessionId)}/events?after=${lastSeq}`;
    for await (const messages of readStream(url, signal, opened)) {
      this.add(messages.map((message) => JSON.parse(message.data) as LogEvent));
    }
  }

  private async page(after: number, signal: AbortSignal): Promise<EventPage> {
    const path = { session_id: this.sessionId };
    const query = { after, limit: PAGE, folded: true };
    const answer = api.GET("/api/sessions/{session_id}/events", {
      params: { path, query },
      headers: { Accept: "application/json" },
      signal,
    });
    // The description has this answer as a page or as an event of the stream, by what one accepts.
    return (await take(answer)) as EventPage;
  }

  private add(events: readonly LogEvent[]): void {
    this.waiting.push(...events);
    if (document.hidden) this.flush();
    else this.frame ??= requestAnimationFrame(this.flush);
  }

  private readonly flush = (): void => {
    if (this.frame !== null) cancelAnimationFrame(this.frame);
    this.frame = null;
    const events = this.waiting;
    this.waiting = [];
    const transcript = fold(this.state.transcript, events);
    if (transcript !== this.state.transcript) this.set({ transcript });
  };

  private set(change: Partial<LogState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }
}

/** The logs that were read last, newest first: coming back to one shows it at once. */
const KEPT = 6;
let kept: SessionLog[] = [];

export function sessionLog(sessionId: string): SessionLog {
  const log =
    kept.find((candidate) => candidate.sessionId === sessionId) ?? new SessionLog(sessionId);
  kept = [log, ...kept.filter((candidate) => candidate !== log)].slice(0, KEPT);
  return log;
}
