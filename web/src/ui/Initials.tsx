import { clsx } from "clsx";
import type { Present } from "@/api/types";

/** More people than these are a number. */
const SHOWN = 3;

/** "Ada Lovelace" is AL, "ada" is A. */
export function initials(name: string): string {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map((word) => [...(word ?? "")][0]?.toUpperCase() ?? "").join("") || "?";
}

/** Somebody in a list; their name stands beside it. */
export function PersonMark({ name, quiet = false }: { name: string; quiet?: boolean }) {
  return (
    <span
      aria-hidden="true"
      className={clsx(
        "grid size-8 shrink-0 place-items-center rounded-full border border-line-strong text-12 leading-none",
        quiet ? "text-ink-3" : "bg-sunken text-ink-2",
      )}
    >
      {initials(name)}
    </span>
  );
}

/** Who is there, as small marks; one who types has the accent's rim. */
export function Initials({
  people,
  small = false,
}: {
  people: readonly Present[];
  small?: boolean;
}) {
  if (people.length === 0) return null;
  const names = people.map(({ name, typing }) => (typing ? `${name} (types)` : name)).join(", ");
  const shown = people.length > SHOWN ? people.slice(0, SHOWN - 1) : people;
  const more = people.length - shown.length;
  const mark = clsx(
    "grid shrink-0 place-items-center rounded-full border bg-sunken text-12 leading-none text-ink-2",
    small ? "size-5" : "h-6 min-w-6 px-1",
  );
  return (
    <span
      role="img"
      data-testid="present"
      aria-label={`Also here: ${names}`}
      title={names}
      className="flex shrink-0 gap-1"
    >
      {shown.map(({ id, name, typing }) => (
        <span key={id} className={clsx(mark, typing ? "border-accent" : "border-line-strong")}>
          {small ? initials(name)[0] : initials(name)}
        </span>
      ))}
      {more > 0 && <span className={clsx(mark, "border-line-strong")}>+{more}</span>}
    </span>
  );
}

/** "Ada types…", or nothing. */
export function typingWords(people: readonly Present[]): string | null {
  const names = people.filter(({ typing }) => typing).map(({ name }) => name.split(" ")[0]);
  if (names.length === 0) return null;
  if (names.length === 1) return `${names[0]} types…`;
  return names.length === 2 ? `${names[0]} and ${names[1]} type…` : `${names.length} people type…`;
}
