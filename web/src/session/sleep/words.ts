import type { Session } from "@/api/types";

const KIB = 1024;
const UNITS = ["KB", "MB", "GB", "TB"];

/** "3 KB", "14 MB", "1.2 GB". */
export function size(bytes: number): string {
  let value = bytes / KIB;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= KIB;
    unit += 1;
  }
  const shown = value < 9.95 && unit > 1 ? value.toFixed(1) : Math.max(1, Math.round(value));
  return `${shown} ${UNITS[unit]}`;
}

/** "25 December", with the year where it is another. */
export function day(at: string, now: Date = new Date()): string {
  const then = new Date(at);
  return then.toLocaleDateString("en-GB", {
    day: "numeric",
    month: "long",
    ...(then.getFullYear() === now.getFullYear() ? {} : { year: "numeric" }),
  });
}

/** What is kept of a session that has ended, and until when: one sentence or two. */
export function keptWords(kept: Session["kept"] | undefined, now?: Date): string {
  if (!kept) return "Its files are not kept any more. What happened stays readable.";
  if (kept.form === "sandbox") return "Its files are being put away.";
  const cost = kept.bytes === null ? "" : ` They take ${size(kept.bytes)} of disk.`;
  const until = kept.until === null ? "" : ` until ${day(kept.until, now)}`;
  return `Its files and what the agent knows are kept${until}.${cost}`;
}
