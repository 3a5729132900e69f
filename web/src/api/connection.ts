import { Refusal } from "./client";

/** How a live connection stands. `ended`: it will not come back by itself. */
export type Link = "connecting" | "live" | "offline" | "ended";

/** A connection that is gone for less than this is not worth a word. */
const GRACE_MS = 1500;
const RETRY_MS = [300, 1000, 2000, 4000, 8000];
/** A page that nobody looks at gives its connection back after this (browsers allow six a host). */
const HIDDEN_MS = 20_000;

interface Options {
  /** Connect, call `opened`, and return when the connection ended. */
  run: (signal: AbortSignal, opened: () => void) => Promise<void>;
  changed: (link: Link, error: Error | null) => void;
  /** Keep it although nobody looks at the page: browsers don't count WebSockets among the six. */
  whileHidden?: boolean;
}

/**
 * Keep a connection up until the returned function is called.
 *
 * Comes back with growing pauses, at once when the browser is online again or the page is looked at
 * again. A refusal that will not change by waiting (401, 403, 404) ends it.
 */
export function keepConnected({ run, changed, whileHidden = false }: Options): () => void {
  const stopped = new AbortController();
  let attempt = 0;
  let current: AbortController | null = null;
  let wake: (() => void) | null = null;
  let grace: ReturnType<typeof setTimeout> | undefined;
  let hiding: ReturnType<typeof setTimeout> | undefined;
  let paused = false;

  const opened = () => {
    attempt = 0;
    clearTimeout(grace);
    grace = undefined;
    changed("live", null);
  };

  const lost = (error: Error | null) => {
    grace ??= setTimeout(() => changed("offline", error), GRACE_MS);
  };

  const pause = (ms: number | null) =>
    new Promise<void>((resolve) => {
      const timer = ms === null ? undefined : setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const looked = () => {
    clearTimeout(hiding);
    if (document.hidden) {
      if (whileHidden) return;
      hiding = setTimeout(() => {
        paused = true;
        current?.abort();
      }, HIDDEN_MS);
      return;
    }
    paused = false;
    wake?.();
  };
  const online = () => wake?.();
  const offline = () => {
    lost(null);
    current?.abort();
  };

  document.addEventListener("visibilitychange", looked);
  window.addEventListener("online", online);
  window.addEventListener("offline", offline);

  void (async () => {
    while (!stopped.signal.aborted) {
      current = new AbortController();
      const signal = AbortSignal.any([current.signal, stopped.signal]);
      try {
        await run(signal, opened);
      } catch (error) {
        if (stopped.signal.aborted) return;
        if (error instanceof Refusal && [401, 403, 404].includes(error.status)) {
          clearTimeout(grace);
          changed("ended", error);
          return;
        }
        if (!paused) lost(error instanceof Error ? error : null);
      }
      if (stopped.signal.aborted) return;
      await pause(paused ? null : (RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? null));
      attempt++;
    }
  })();

  return () => {
    stopped.abort();
    wake?.();
    clearTimeout(grace);
    clearTimeout(hiding);
    document.removeEventListener("visibilitychange", looked);
    window.removeEventListener("online", online);
    window.removeEventListener("offline", offline);
  };
}
