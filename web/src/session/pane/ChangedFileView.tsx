import { clsx } from "clsx";
import { ChevronRight } from "lucide-react";
import { memo, type ReactNode, useEffect, useRef, useState } from "react";
import type { ChangedFile } from "@/api/types";
import { DiffView } from "@/text/DiffView";
import type { FileDiff } from "@/text/diff";
import { Counts } from "@/ui/Counts";

/** Files with more changed lines than this are opened by the reader. */
const BIG = 400;

const STATUS: Record<ChangedFile["status"], { letter: string; tone: string }> = {
  added: { letter: "A", tone: "text-good" },
  modified: { letter: "M", tone: "text-info" },
  deleted: { letter: "D", tone: "text-bad" },
  renamed: { letter: "R", tone: "text-info" },
};

/** One changed file: its line stays in sight while its diff is read. */
export const ChangedFileView = memo(function ChangedFileView({
  file,
  diff,
}: {
  file: ChangedFile;
  diff: FileDiff | undefined;
}) {
  const [choice, setChoice] = useState<boolean | null>(null);
  const open = choice ?? file.additions + file.deletions <= BIG;
  const slash = file.path.lastIndexOf("/") + 1;
  const { letter, tone } = STATUS[file.status];
  return (
    <section data-testid="changes-file" data-path={file.path} className="border-b">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setChoice(!open)}
        className="quiet-ring target sticky top-0 z-[1] flex h-9 w-full items-center gap-2 border-b bg-paper px-4 text-left text-13 transition-colors hover:bg-hover"
      >
        <ChevronRight
          size={14}
          className={clsx("shrink-0 text-ink-3 transition-transform", open && "rotate-90")}
        />
        <span className={clsx("shrink-0 font-mono text-12", tone)} title={file.status}>
          {letter}
        </span>
        <span className="min-w-0 truncate font-mono text-12" title={file.path}>
          {file.old_path && <span className="text-ink-3">{file.old_path} → </span>}
          <span className="text-ink-3">{file.path.slice(0, slash)}</span>
          {file.path.slice(slash)}
        </span>
        <span className="ml-auto pl-2">
          {file.binary ? (
            <span className="text-12 text-ink-3">binary</span>
          ) : (
            <Counts additions={file.additions} deletions={file.deletions} />
          )}
        </span>
      </button>
      {open &&
        (diff ? (
          <Near lines={diff.additions + diff.deletions}>
            <DiffView file={diff} />
          </Near>
        ) : (
          <p className="px-4 py-2 text-13 text-ink-3">Its diff was left out.</p>
        ))}
    </section>
  );
});

/** Draws what is in it when it comes near the screen, and keeps it: hundreds of files cost little. */
function Near({ lines, children }: { lines: number; children: ReactNode }) {
  const [near, setNear] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (near || !place.current) return;
    const observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && setNear(true),
      { rootMargin: "800px" },
    );
    observer.observe(place.current);
    return () => observer.disconnect();
  }, [near]);
  return near ? children : <div ref={place} style={{ height: (lines + 8) * 20 }} />;
}
