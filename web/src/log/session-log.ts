import { api, Refusal, take } from "@/api/client";
import { keepConnected } from "@/api/connection";
import { type FollowedLog, followLog } from "@/api/live";
import { readStream } from "@/api/sse";
import type { EventPage, LogEvent } from "@/api/types";
import { fold } from "./fold";
import { Held } from "./held";
import { EMPTY, type Transcript } from "./model";
import { begin } from "./opening";

/** Events of the first page, enough for some screens; further pages double up to the most there are. */
const FIRST = 400;
const MOST = 5000;

/** What is older than what is there: nothing, something to be asked for, on its way, or refused. */
export type Earlier = "none" | "some" | "loading" | "failed";

export interface LogState {
  transcript: Transcript;
  /** The log from its first event on, where it was asked for and does not reach what is there yet. */
  beginning: Transcript | null;
  /** What follows the beginning; before that is there, the beginning itself. */
  later: Earlier;
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
  beginning: null,
  later: "none",
  from: 1,
  earlier: "none",
  loaded: false,
  error: null,
};

/**
 * One session's log: its end, what is added to it, and older pages as they are asked for. So that
 * the first prompt is one page away, too, its beginning is read by itself, and on from there.
 *
 * What is followed goes on after the last event that was taken, so nothing is missed and nothing
 * doubles. Older pages come with what stands where they begin; all that is there is then folded
 * again from there, which is the only way in which a later event can change an earlier row. The
 * beginning is as it was where it ends, and becomes one with the rest where the two meet.
 */
export class SessionLog {
  private state = UNREAD;
  private readonly listeners = new Set<() => void>();
  private readonly held = new Held();
  private readonly head = new Held();
  private waiting: LogEvent[] = [];
  private frame: number | null = null;
  private disconnect: (() => void) | null = null;
  private previous: number | null = null;
  private step = FIRST;
  private headStep = FIRST;

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

  /** Read the page before what is there; one at a time. */
  readonly older = async (): Promise<void> => {
    if (this.previous === null || this.state.earlier === "loading") return;
    this.set({ earlier: "loading" });
    this.step = Math.min(2 * this.step, MOST);
    const part = { before: this.previous, limit: this.step };
    const page = await this.page(part).catch(() => null);
    if (this.previous === null) return; // all is there meanwhile
    if (page) this.prepend(page);
    else this.set({ earlier: "failed" });
  };

  /** Read the beginning of the log; says whether it is there. */
  readonly start = async (): Promise<boolean> => {
    if (this.head.last === 0) await this.further();
    return this.previous === null || this.head.last > 0;
  };

  /** Read the page behind the beginning; one at a time. */
  readonly further = async (): Promise<void> => {
    if (this.previous === null || this.state.later === "loading") return;
    this.set({ later: "loading" });
    const part = { after: this.head.last, limit: this.headStep };
    this.headStep = Math.min(2 * this.headStep, MOST);
    const page = await this.page(part).catch(() => null);
    if (this.previous === null) return; // all is there meanwhile
    if (page) this.extend(page);
    else this.set({ later: "failed" });
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
    part: { tail: number } | { before: number; limit: number } | { after: number; limit: number },
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

  private prepend(page: EventPage): void {
    this.flush();
    this.held.prepend(page.items);
    this.beginAt(page);
    if (this.previous !== null) this.meet();
  }

  private extend({ items }: EventPage): void {
    this.head.append(items);
    const beginning = fold(this.state.beginning ?? EMPTY, items);
    this.set({ beginning, later: "some" });
    this.flush();
    this.meet();
  }

  /** Make the beginning and the rest one, if nothing is missing between them. */
  private meet(): void {
    const { from } = this.state;
    if (this.head.last + 1 < from) return;
    // No text is cut at `from`, as it may be where the beginning ends.
    this.held.prepend(this.head.all.filter((event) => event.seq < from));
    this.complete(fold(EMPTY, this.held.all));
  }

  /** Fold all that is there anew, from where this page begins. */
  private beginAt(page: EventPage): void {
    const [event] = page.items;
    this.previous = page.previous;
    const transcript = fold(begin(page.opening), this.held.all);
    if (page.previous === null) this.complete(transcript);
    else this.set({ transcript, from: event?.first_seq ?? event?.seq ?? 1, earlier: "some" });
  }

  /** Whoever has everything never has to fold it again. */
  private complete(transcript: Transcript): void {
    this.previous = null;
    this.held.clear();
    this.head.clear();
    this.set({ transcript, from: 1, earlier: "none", beginning: null, later: "none" });
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
