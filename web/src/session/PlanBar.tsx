import { clsx } from "clsx";
import type { PlanEntry } from "@/api/types";
import { useSessionPage } from "./context";
import { Strip } from "./Strip";

const PATHS: Record<PlanEntry["status"], { tone: string; path: string }> = {
  pending: { tone: "text-ink-3", path: "M6 2.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7z" },
  in_progress: { tone: "text-accent-text", path: "M6 2.5a3.5 3.5 0 1 1 0 7zm0 0v7" },
  completed: { tone: "text-good", path: "m2 6.4 2.7 2.7L10 3.2" },
  cancelled: { tone: "text-ink-3", path: "M2.5 6h7" },
};

/** The agent's list of things to do: where it is, in one line; all of it when opened. */
export function PlanBar() {
  const { transcript } = useSessionPage();
  const { plan } = transcript;
  const done = plan.filter((entry) => entry.status === "completed").length;
  const current = plan.find((entry) => entry.status === "in_progress");
  const over = plan.every((entry) => entry.status === "completed" || entry.status === "cancelled");
  if (plan.length === 0 || (over && !transcript.turn)) return null;
  return (
    <Strip
      testId="plan"
      label="Plan"
      line={
        <>
          <span className="shrink-0 text-ink-3 tabular-nums">
            {done} of {plan.length}
          </span>
          <span className="truncate">{current?.content ?? (over ? "All done" : "The plan")}</span>
        </>
      }
    >
      <ol className="px-3 py-1.5">
        {plan.map((entry) => (
          <li key={entry.content} className="flex gap-2.5 py-1">
            <svg
              viewBox="0 0 12 12"
              role="img"
              aria-label={entry.status.replace("_", " ")}
              className={clsx("mt-1 size-3 shrink-0", PATHS[entry.status].tone)}
            >
              <path
                d={PATHS[entry.status].path}
                fill="none"
                stroke="currentColor"
                strokeWidth="1.6"
                strokeLinecap="round"
              />
            </svg>
            <span className={clsx(entry.status !== "in_progress" && "text-ink-3")}>
              {entry.content}
            </span>
          </li>
        ))}
      </ol>
    </Strip>
  );
}
