import { clsx } from "clsx";

/** How many lines came and went. */
export function Counts({
  additions,
  deletions,
  className,
}: {
  additions: number;
  deletions: number;
  className?: string;
}) {
  return (
    <span className={clsx("shrink-0 font-mono text-12 whitespace-nowrap tabular-nums", className)}>
      <span className="sr-only">{`${additions} lines added, ${deletions} removed`}</span>
      <span aria-hidden="true" className="flex gap-1.5">
        <span className="text-good">+{additions}</span>
        <span className="text-bad">−{deletions}</span>
      </span>
    </span>
  );
}
