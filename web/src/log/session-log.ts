import { api, Refusal, take } from "@/api/client";
import { keepConnected } from "@/api/connection";
import { type FollowedLog, followLog } from "@/api/live";
import { readStream } from "@/api/sse";
import type { EventPage, LogEvent } from "@/api/types";
import { fold } from "./fold";
import { Held } from "./held";
import { EMPTY, type Transcript } from "./model";
import { begin } from "./opening";

/** Events of the first page, enough for some screens; older pages double up to the most there are. */
const FIRST = 400;
const MOST = 5000;

/** What is older than what is there: nothing, something to be asked for, on its way, or refused. */
export type Earlier = "none" | "some" | "loading" | "failed";

export interface LogState {
  transcript: Transcript;
  /** The place at which what is there begins; changes when older events were put before it. */
  from: number;
  earlier: Earlier;
  /** The end of the log, as it was when the page asked, has been read. */
  loaded: boolean;
  error: Error | null;
}

/** Takes what is added to a log until the signal, or until nothing more can come. */
export type Follow = (log: FollowedLog, signal: AbortSignal, opened: () => void) => Promise<void>;

/** With all else that a page shows. */
const inThePageStream: Follow = async (log, signal, opened) => {
  opened();
  const leave = followLog(log);
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  leave();
};

/** By itself, for whoever may see nothing else. */
export const inAStreamOfItsOwn: Follow = async (
  { sessionId, after, take: taken },
  signal,
  opened,
) => {
  const path = `/api/sessions/${encodeURIComponent(sessionId)}/events`;
  for await (const messages of readStream(`${path}?folded=true&after=${after()}`, signal, opened)) {
    taken(messages.map(({ data }) => JSON.parse(data) as LogEvent));
  }
};

const UNREAD: LogState = {
  transcript: EMPTY,
  from: 1,
  earlier: "none",
  loaded: false,
  error: null,
};

/**
 * One session's log: its end, what is added to it, and older pages as they are asked for.
 *
 * What is followed goes on after the last event that was taken, so nothing is missed and nothing
 * doubles. Older pages come with what stands where they begin; all that is there is then folded
 * again from there, which is the only way in which a later event can change an earlier row.
 */
export class SessionLog {
  private state = UNREAD;
  private readonly listeners = new Set<() => void>();
  private readonly held = new Held();
  private waiting: LogEvent[] = [];
  private frame: number | null = null;
  private disconnect: (() => void) | null = null;
  private previous: number | null = null;
  private step = FIRST;

  constructor(
    readonly sessionId: string,
    private readonly follow: Follow = inThePageStream,
  ) {}

  readonly snapshot = (): LogState => this.state;

  /** The log is followed as long as someone listens, and kept for when they come back. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    this.disconnect ??= keepConnected({
      run: (signal, opened) => this.run(signal, opened),
      changed: (_, error) => this.set({ error }),
      whileHidden: true,
    });
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size > 0) return;
      this.disconnect?.();
      this.disconnect = null;
    };
  };

  /** Read the page before what is there, or with `all` everything; one at a time. */
  readonly older = async (all = false): Promise<void> => {
    if (this.previous === null || this.state.earlier === "loading") return;
    this.set({ earlier: "loading" });
    const pages: EventPage[] = [];
    try {
      let before: number | null = this.previous;
      do {
        this.step = all ? MOST : Math.min(2 * this.step, MOST);
        const page: EventPage = await this.page({ before, limit: this.step });
        pages.push(page);
        before = page.previous;
      } while (all && before !== null);
    } catch {
      this.set({ earlier: "failed" });
      // What came is kept all the same.
    }
    if (pages.length > 0) this.prepend(pages);
  };

  private async run(signal: AbortSignal, opened: () => void): Promise<void> {
    if (!this.state.loaded) {
      const page = await this.page({ tail: FIRST }, signal);
      this.held.append(page.items);
      this.beginAt(page);
      this.set({ loaded: true });
    }
    await this.follow(
      {
        sessionId: this.sessionId,
        after: () => this.waiting.at(-1)?.seq ?? this.state.transcript.lastSeq,
        take: (events) => this.add(events),
        gone: () => this.set({ error: GONE }),
      },
      signal,
      opened,
    );
  }

  private async page(
    part: { tail: number } | { before: number; limit: number },
    signal: AbortSignal | null = null,
  ): Promise<EventPage> {
    const path = { session_id: this.sessionId };
    const answer = api.GET("/api/sessions/{session_id}/events", {
      params: { path, query: { ...part, folded: true } },
      headers: { Accept: "application/json" },
      signal,
    });
    // The description has this answer as a page or as an event of the stream, by what one accepts.
    return (await take(answer)) as EventPage;
  }

  private prepend(pages: readonly EventPage[]): void {
    const first = pages.at(-1);
    if (!first) return;
    this.flush();
    for (const page of pages) this.held.prepend(page.items);
    this.beginAt(first);
  }

  /** Fold all that is there anew, from where this page begins. */
  private beginAt(page: EventPage): void {
    const [event] = page.items;
    this.previous = page.previous;
    const transcript = fold(begin(page.opening), this.held.all);
    // Whoever has everything never has to fold it again.
    if (page.previous === null) this.held.clear();
    this.set({
      transcript,
      from: event?.first_seq ?? event?.seq ?? 1,
      earlier: page.previous === null ? "none" : "some",
    });
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
    if (this.previous !== null) this.held.append(events);
    const transcript = fold(this.state.transcript, events);
    if (transcript !== this.state.transcript) this.set({ transcript });
  };

  private set(change: Partial<LogState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }
}

const GONE = new Refusal(404, "not_found", "There is no such session.", null);

/** The logs that were read last, newest first: coming back to one shows it at once. */
const KEPT = 6;
let kept: SessionLog[] = [];

export function sessionLog(sessionId: string): SessionLog {
  const log =
    kept.find((candidate) => candidate.sessionId === sessionId) ?? new SessionLog(sessionId);
  kept = [log, ...kept.filter((candidate) => candidate !== log)].slice(0, KEPT);
  return log;
}
