import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useSetParticipant } from "@/api/people";
import type { Me, Session, SessionRole } from "@/api/types";
import { Button } from "@/ui/Button";
import { ErrorProblem } from "@/ui/Problem";
import { aRole } from "./words";

/** Takes oneself out of a session. One that is private is gone then, for all but admins. */
export function Leave({
  session,
  me,
  role,
  onLeft,
}: {
  session: Session;
  me: Me;
  role: SessionRole;
  onLeft: () => void;
}) {
  const set = useSetParticipant(session.id);
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  const gone = session.visibility === "private" && me.role !== "admin";
  const leave = () =>
    set.mutate(
      { id: me.id, role: null },
      {
        onSuccess: () => {
          onLeft();
          if (gone) void navigate({ to: "/" });
        },
      },
    );
  return (
    <section>
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <p className="min-w-0 flex-1 basis-56 text-13 text-ink-2">
          {!asking
            ? `You take part as ${aRole(role)}.`
            : gone
              ? "You won’t see it any more, unless an owner adds you again."
              : "You have then what everybody has here."}
        </p>
        <div className="flex gap-2">
          <Button
            look={asking ? "danger" : "plain"}
            disabled={set.isPending}
            onClick={asking ? leave : () => setAsking(true)}
          >
            Leave
          </Button>
          {asking && (
            <Button look="quiet" onClick={() => setAsking(false)}>
              Stay
            </Button>
          )}
        </div>
      </div>
      {set.error && <ErrorProblem error={set.error} className="mt-2" />}
    </section>
  );
}
