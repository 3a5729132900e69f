/**
 * The page's one stream from its hub: the list, who is where, and the log of the session it shows.
 *
 * Browsers allow six connections to a host, so there is one, whatever is on the page; what is shown
 * is said when it is opened.
 */
import { useSyncExternalStore } from "react";
import { Refusal } from "./client";
import { keepConnected, type Link } from "./connection";
import { rememberPresence, setYou } from "./presence";
import { forgetSession, queries, queryClient, rememberSession } from "./queries";
import { type Message, readStream } from "./sse";
import type { LogEvent, LogItems, Presence, Session, System } from "./types";

/** A log that comes in the stream too. */
export interface FollowedLog {
  readonly sessionId: string;
  /** The last place that is known of it, asked for at each connection. */
  after: () => number;
  take: (events: readonly LogEvent[]) => void;
  /** The session is no more. */
  gone: () => void;
}

let link: Link = "connecting";
const listeners = new Set<() => void>();
let shown: FollowedLog | null = null;
let users = 0;
let disconnect: (() => void) | null = null;
let leaving: ReturnType<typeof setTimeout> | undefined;

/** How the page is connected to its hub. */
export function useLink(): Link {
  return useSyncExternalStore(subscribe, () => link);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  const release = hold();
  return () => {
    listeners.delete(listener);
    release();
  };
}

/** A page that goes from one session to another soon shows the next: no stream in between. */
const LEAVING_MS = 500;

/** Follow a log until the returned function is called. One at a time: the newest wins. */
export function followLog(log: FollowedLog): () => void {
  clearTimeout(leaving);
  shown = log;
  const release = hold();
  reconnect();
  return () => {
    release();
    if (shown !== log) return;
    shown = null;
    leaving = setTimeout(reconnect, LEAVING_MS);
  };
}

/** Be connected as long as somebody holds on. */
function hold(): () => void {
  users++;
  disconnect ??= connect();
  return () => {
    users--;
    if (users > 0) return;
    disconnect?.();
    disconnect = null;
  };
}

function reconnect(): void {
  if (!disconnect) return;
  disconnect();
  disconnect = connect();
}

/** A page in the background has no connection of its own, and asks now and then, for its title. */
const BACKGROUND_MS = 20_000;

function connect(): () => void {
  const close = keepConnected({ run: follow, changed });
  const timer = setInterval(() => {
    if (document.hidden)
      void queryClient.invalidateQueries({ queryKey: queries.sessions.queryKey });
  }, BACKGROUND_MS);
  return () => {
    close();
    clearInterval(timer);
  };
}

function changed(next: Link, error: Error | null): void {
  if (error instanceof Refusal && error.status === 401) {
    void queryClient.invalidateQueries({ queryKey: queries.me.queryKey });
  }
  link = next;
  for (const listener of listeners) listener();
}

async function follow(signal: AbortSignal, opened: () => void): Promise<void> {
  const log = shown;
  const query = log && `session=${encodeURIComponent(log.sessionId)}&after=${log.after()}`;
  // What was deleted while we were away is missing from the list that each connection begins with;
  // and where nobody is any more, nothing is said.
  let beginning: Session[] | null = [];
  const present: Presence[] = [];
  const path = query ? `/api/events?${query}` : "/api/events";
  for await (const messages of readStream(path, signal, opened)) {
    for (const message of messages) {
      if (beginning && message.event === "session") {
        beginning.push(JSON.parse(message.data) as Session);
      } else if (beginning && message.event === "presence") {
        present.push(JSON.parse(message.data) as Presence);
      } else if (beginning && message.event === "ready") {
        queryClient.setQueryData(queries.sessions.queryKey, beginning);
        setYou((JSON.parse(message.data) as { you: string }).you, present);
        beginning = null;
      } else {
        apply(message, log);
      }
    }
  }
}

function apply({ event, data }: Message, log: FollowedLog | null): void {
  if (event === "log") {
    const { session_id, items } = JSON.parse(data) as LogItems;
    if (log && log === shown && log.sessionId === session_id) log.take(items);
  } else if (event === "session") {
    rememberSession(JSON.parse(data) as Session);
  } else if (event === "session_deleted") {
    const { id } = JSON.parse(data) as { id: string };
    forgetSession(id);
    if (log && log === shown && log.sessionId === id) log.gone();
  } else if (event === "presence") {
    rememberPresence(JSON.parse(data) as Presence);
  } else if (event === "system") {
    queryClient.setQueryData(queries.system.queryKey, JSON.parse(data) as System);
  }
}
