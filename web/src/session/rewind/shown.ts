import { useSyncExternalStore } from "react";

/** Which undone parts the reader wants to see, beyond the time that a row is on the screen. */
let shown: ReadonlySet<string> = new Set();
const listeners = new Set<() => void>();

export function toggleUndone(key: string): void {
  const next = new Set(shown);
  if (!next.delete(key)) next.add(key);
  shown = next;
  for (const listener of listeners) listener();
}

export function useShownUndone(): ReadonlySet<string> {
  return useSyncExternalStore(subscribe, () => shown);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
