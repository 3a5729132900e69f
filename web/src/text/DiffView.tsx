import { clsx } from "clsx";
import { memo, useMemo, useState } from "react";
import { TokenLine } from "./CodeLines";
import type { DiffLine, FileDiff, Hunk } from "./diff";
import type { Token } from "./highlighter";
import { languageOfPath } from "./language";
import { useHighlight } from "./use-highlight";

/** Longer ones are shown in part until all is asked for. */
const LONG = 600;

/** One file's changes: numbers, signs, and the code in its colours. */
export const DiffView = memo(function DiffView({ file }: { file: FileDiff }) {
  const [all, setAll] = useState(false);
  if (file.binary) return <Plain>A binary file.</Plain>;
  if (file.hunks.length === 0) {
    return <Plain>{file.status === "renamed" ? "Moved, not changed." : "Empty."}</Plain>;
  }
  const total = file.hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0);
  const shown = all || total <= LONG ? file.hunks : firstLines(file.hunks, LONG);
  const language = languageOfPath(file.path);
  return (
    <div className="overflow-x-auto font-mono text-12">
      <div className="min-w-max py-1">
        {shown.map((hunk, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: hunks have no identity but their place
          <HunkView key={index} hunk={hunk} language={language} apart={index > 0} />
        ))}
      </div>
      {shown !== file.hunks && (
        <button
          type="button"
          onClick={() => setAll(true)}
          className="target sticky left-0 w-full border-t px-3 py-2 text-left font-sans text-13 text-accent-text hover:bg-hover"
        >
          Show all {total.toLocaleString("en")} lines
        </button>
      )}
    </div>
  );
});

function Plain({ children }: { children: string }) {
  return <p className="px-3 py-2 text-13 text-ink-3">{children}</p>;
}

function firstLines(hunks: Hunk[], count: number): Hunk[] {
  const some: Hunk[] = [];
  let left = count;
  for (const hunk of hunks) {
    if (left <= 0) break;
    some.push({ ...hunk, lines: hunk.lines.slice(0, left) });
    left -= hunk.lines.length;
  }
  return some;
}

function HunkView({
  hunk,
  language,
  apart,
}: {
  hunk: Hunk;
  language: string | null;
  apart: boolean;
}) {
  // Each side is a piece of code of its own; lines that both have are taken from the new one.
  const sides = useMemo(
    () => ({
      before: hunk.lines.filter((line) => line.kind !== "add").map((line) => line.text),
      after: hunk.lines.filter((line) => line.kind !== "delete").map((line) => line.text),
    }),
    [hunk],
  );
  const before = useHighlight(sides.before.join("\n"), language);
  const after = useHighlight(sides.after.join("\n"), language);
  let old = 0;
  let fresh = 0;
  return (
    <>
      {(apart || hunk.heading) && (
        <div className="mt-1 flex border-y bg-sunken py-0.5 pl-12 text-ink-3 sm:pl-20 first:mt-0 first:border-t-0">
          {hunk.heading || "…"}
        </div>
      )}
      {hunk.lines.map((line) => {
        const tokens = line.kind === "delete" ? before?.[old] : after?.[fresh];
        if (line.kind !== "add") old++;
        if (line.kind !== "delete") fresh++;
        return <Line key={`${line.before}:${line.after}`} line={line} tokens={tokens} />;
      })}
    </>
  );
}

const SIGN = { add: "+", delete: "−", context: " " } as const;

const Line = memo(function Line({ line, tokens }: { line: DiffLine; tokens: Token[] | undefined }) {
  return (
    <div
      className={clsx(
        "flex leading-5 whitespace-pre",
        line.kind === "add" && "bg-good-tint",
        line.kind === "delete" && "bg-bad-tint",
      )}
    >
      <span
        aria-hidden="true"
        className="w-8 shrink-0 text-right text-ink-3 select-none max-sm:hidden"
      >
        {line.before}
      </span>
      <span aria-hidden="true" className="w-8 shrink-0 text-right text-ink-3 select-none">
        {line.after}
      </span>
      <span
        className={clsx(
          "w-6 shrink-0 text-center select-none",
          line.kind === "add" && "text-good",
          line.kind === "delete" && "text-bad",
        )}
      >
        {SIGN[line.kind]}
      </span>
      <span className="pr-4">
        <TokenLine text={line.text} tokens={tokens} />
      </span>
    </div>
  );
});
