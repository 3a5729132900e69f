import { useSetVisibility } from "@/api/people";
import type { Session } from "@/api/types";
import { ErrorProblem } from "@/ui/Problem";
import { VISIBILITIES } from "./words";

/** Who sees the session besides those who take part. */
export function Seen({ session, changes }: { session: Session; changes: boolean }) {
  const set = useSetVisibility(session.id);
  const chosen = set.isPending ? set.variables : session.visibility;
  return (
    <fieldset disabled={!changes || set.isPending} className="group">
      <legend className="mb-1.5 text-13 text-ink-3">Who else sees it</legend>
      <div className="divide-y rounded-md border">
        {VISIBILITIES.map(({ value, label, hint }) => (
          <label
            key={value}
            className="target flex items-start gap-2.5 px-3 py-2 transition-colors first:rounded-t-md last:rounded-b-md group-enabled:cursor-pointer group-enabled:hover:bg-hover has-checked:bg-accent-tint group-enabled:has-checked:hover:bg-accent-tint"
          >
            <input
              type="radio"
              name="visibility"
              value={value}
              checked={chosen === value}
              onChange={() => set.mutate(value)}
              className="mt-1.5 accent-[var(--accent-text)]"
            />
            <span>
              {label}
              <span className="block text-13 text-ink-3">{hint}</span>
            </span>
          </label>
        ))}
      </div>
      {set.error && <ErrorProblem error={set.error} className="mt-2" />}
    </fieldset>
  );
}
