import { useSyncExternalStore } from "react";
import { Refusal } from "./client";
import { keepConnected, type Link } from "./connection";
import { forgetSession, queries, queryClient, rememberSession } from "./queries";
import { type Message, readStream } from "./sse";
import type { Session, System } from "./types";

let link: Link = "connecting";
const listeners = new Set<() => void>();
let disconnect: (() => void) | null = null;

/** How the page is connected to its hub. The list of sessions is followed while someone asks. */
export function useLink(): Link {
  return useSyncExternalStore(subscribe, () => link);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  disconnect ??= connect();
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    disconnect?.();
    disconnect = null;
  };
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
  // What was deleted while we were away is missing from the list that each connection begins with.
  let beginning: Session[] | null = [];
  for await (const messages of readStream("/api/events", signal, opened)) {
    for (const message of messages) {
      if (beginning && message.event === "session") {
        beginning.push(JSON.parse(message.data) as Session);
      } else if (beginning && message.event === "ready") {
        queryClient.setQueryData(queries.sessions.queryKey, beginning);
        beginning = null;
      } else {
        apply(message);
      }
    }
  }
}

function apply({ event, data }: Message): void {
  if (event === "session") {
    rememberSession(JSON.parse(data) as Session);
  } else if (event === "session_deleted") {
    forgetSession((JSON.parse(data) as { id: string }).id);
  } else if (event === "system") {
    queryClient.setQueryData(queries.system.queryKey, JSON.parse(data) as System);
  }
}
