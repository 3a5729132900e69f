/** Who looks at which session, and who types there, as the hub last said. */
import { useSyncExternalStore } from "react";
import { api } from "./client";
import type { Presence, Present } from "./types";

const NOBODY: readonly Present[] = [];
let you: string | null = null;
let present = new Map<string, readonly Present[]>();
const listeners = new Set<() => void>();

/** The others who are at a session: this browser's own reader is not one of them. */
export function useOthers(sessionId: string): readonly Present[] {
  return useSyncExternalStore(subscribe, () => present.get(sessionId) ?? NOBODY);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A connection begins: as whom others see us, and who is where. */
export function setYou(id: string, all: readonly Presence[]): void {
  you = id;
  present = new Map();
  for (const each of all) keep(each);
  tell();
}

export function rememberPresence(presence: Presence): void {
  keep(presence);
  tell();
}

function keep({ session_id, people }: Presence): void {
  const others = people.filter((person) => person.id !== you);
  if (others.length > 0) present.set(session_id, others);
  else present.delete(session_id);
}

function tell(): void {
  for (const listener of listeners) listener();
}

/** The hub forgets after six seconds that somebody types. */
const AGAIN_MS = 3000;

/** Tells the hub that one writes in a session, now and then while one does, and when one is done. */
export class Typing {
  private saidAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly sessionId: string) {}

  readonly typed = (text: string): void => {
    if (text === "") {
      this.done();
    } else if (performance.now() - this.saidAt >= AGAIN_MS) {
      this.saidAt = performance.now();
      this.say(true);
    }
  };

  readonly done = (): void => {
    if (this.saidAt === Number.NEGATIVE_INFINITY) return;
    this.saidAt = Number.NEGATIVE_INFINITY;
    this.say(false);
  };

  private say(typing: boolean): void {
    const path = { session_id: this.sessionId };
    const said = api.POST("/api/sessions/{session_id}/typing", {
      params: { path },
      body: { typing },
    });
    // Nobody misses it where it does not arrive.
    said.catch(() => {});
  }
}
