import { useSyncExternalStore } from "react";

/** One clock for all that counts time; it runs while someone looks at it. */
function clock(everyMs: number) {
  const listeners = new Set<() => void>();
  let now = Date.now();
  let timer: ReturnType<typeof setInterval> | undefined;
  return {
    subscribe(listener: () => void) {
      listeners.add(listener);
      now = Date.now();
      timer ??= setInterval(() => {
        now = Date.now();
        for (const each of listeners) each();
      }, everyMs);
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
    read: () => now,
  };
}

const seconds = clock(1000);
const minutes = clock(20_000);

/** "now", "2 min ago", "yesterday": as people say it. */
export function ago(at: string, now: number): string {
  const then = new Date(at);
  const s = Math.max(0, (now - then.getTime()) / 1000);
  if (s < 45) return "now";
  if (s < 3600) return `${Math.max(1, Math.round(s / 60))} min ago`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`;
  const days = Math.floor(s / 86_400);
  if (days === 1) return "yesterday";
  if (days < 7) return `${days} days ago`;
  const sameYear = then.getFullYear() === new Date(now).getFullYear();
  return then.toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
  });
}

/** "in 40 min", "in 5 h", "in 6 days", "on 3 Mar"; "now" where it is due. */
export function until(at: string, now: number): string {
  const then = new Date(at);
  const s = (then.getTime() - now) / 1000;
  if (s < 45) return "now";
  if (s < 3570) return `in ${Math.max(1, Math.round(s / 60))} min`;
  const hours = Math.round(s / 3600);
  if (hours < 24) return `in ${hours} h`;
  const days = Math.round(s / 86_400);
  if (days < 31) return days === 1 ? "in a day" : `in ${days} days`;
  const sameYear = then.getFullYear() === new Date(now).getFullYear();
  const date = then.toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
  });
  return `on ${date}`;
}

/** "0.3 s", "2.1 s", "42 s", "3 min 5 s". */
export function duration(ms: number): string {
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  const s = Math.round(ms / 1000);
  if (s < 60) return `${s} s`;
  if (s < 3600) return s % 60 === 0 ? `${s / 60} min` : `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`;
}

export function exact(at: string): string {
  return new Date(at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
}

/** A time as people say it; the exact one on hover. */
export function Ago({ at, className }: { at: string; className?: string }) {
  const now = useSyncExternalStore(minutes.subscribe, minutes.read);
  return (
    <time dateTime={at} title={exact(at)} className={className}>
      {ago(at, now)}
    </time>
  );
}

/** How long it is to a time; the exact one on hover. */
export function Until({ at }: { at: string }) {
  const now = useSyncExternalStore(minutes.subscribe, minutes.read);
  return (
    <time dateTime={at} title={exact(at)}>
      {until(at, now)}
    </time>
  );
}

/** How long something has been going on, counting. */
export function Elapsed({ since }: { since: string }) {
  const now = useSyncExternalStore(seconds.subscribe, seconds.read);
  const s = Math.max(0, Math.floor((now - Date.parse(since)) / 1000));
  return <span className="tabular-nums">{s < 60 ? `${s} s` : duration(s * 1000)}</span>;
}
