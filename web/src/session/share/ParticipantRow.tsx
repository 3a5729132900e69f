import { X } from "lucide-react";
import { useSetParticipant } from "@/api/people";
import type { Participant } from "@/api/types";
import { IconButton } from "@/ui/Button";
import { PersonMark } from "@/ui/Initials";
import { Pick } from "@/ui/Pick";
import { ErrorProblem } from "@/ui/Problem";
import { Ago } from "@/ui/time";
import { ROLES } from "./words";

/** Somebody who takes part. Whoever began the session stays its owner. */
export function ParticipantRow({
  sessionId,
  person,
  own,
  changes,
}: {
  sessionId: string;
  person: Participant;
  own: boolean;
  /** Whether the reader may change it. */
  changes: boolean;
}) {
  const set = useSetParticipant(sessionId);
  const { id, name, role, author, since } = person;
  return (
    <li className="px-3 py-2">
      <div className="flex items-center gap-3">
        <PersonMark name={name} />
        <div className="min-w-0 flex-1">
          <p className="truncate" title={name}>
            {name}
            {own && <span className="text-ink-3"> · you</span>}
          </p>
          <p className="truncate text-12 text-ink-3">
            {author ? "began it" : "came"} <Ago at={since} />
          </p>
        </div>
        {changes && !author ? (
          <div className="flex gap-1">
            <Pick
              label={`Role of ${name}`}
              value={role}
              options={ROLES}
              disabled={set.isPending}
              onChange={(next) => set.mutate({ id, role: next })}
            />
            {!own && (
              <IconButton
                label={`Remove ${name}`}
                disabled={set.isPending}
                onClick={() => set.mutate({ id, role: null })}
              >
                <X size={15} />
              </IconButton>
            )}
          </div>
        ) : (
          <span className="shrink-0 text-13 text-ink-2">
            {ROLES.find(({ value }) => value === role)?.label}
          </span>
        )}
      </div>
      {set.error && <ErrorProblem error={set.error} className="mt-2" />}
    </li>
  );
}
