import { useQuery } from "@tanstack/react-query";
import { peopleQueries } from "@/api/people";
import { queries } from "@/api/queries";
import { owns } from "@/api/rights";
import type { Session } from "@/api/types";
import { Dialog } from "@/ui/Dialog";
import { ErrorProblem } from "@/ui/Problem";
import { Add } from "./Add";
import { Leave } from "./Leave";
import { Links } from "./Links";
import { ParticipantRow } from "./ParticipantRow";
import { Seen } from "./Seen";
import { aRole } from "./words";

/** Who takes part in a session, and who else may see it. Owners change it; all others see it. */
export function ShareDialog({
  session,
  open,
  onClose,
}: {
  session: Session;
  open: boolean;
  onClose: () => void;
}) {
  return (
    <Dialog open={open} onClose={onClose} title="Share" wide="some">
      <Share session={session} onClose={onClose} />
    </Dialog>
  );
}

function Share({ session, onClose }: { session: Session; onClose: () => void }) {
  const { data: me } = useQuery(queries.me);
  const { data, error } = useQuery(peopleQueries.participants(session.id));
  const mine = owns(session);
  const own = data?.find((person) => person.id === me?.id);
  return (
    <div data-testid="share" className="space-y-6">
      {!mine && (
        <p className="text-ink-2">
          You are {aRole(session.role)} of this session. Its owners say who takes part: ask{" "}
          {session.author}.
        </p>
      )}
      <section>
        <h3 className="text-13 text-ink-3">Who takes part</h3>
        {error && <ErrorProblem error={error} className="mt-2" />}
        {data && (
          <ul aria-label="Who takes part" className="mt-1.5 divide-y rounded-md border">
            {data.map((person) => (
              <ParticipantRow
                key={person.id}
                sessionId={session.id}
                person={person}
                own={person.id === me?.id}
                changes={mine}
              />
            ))}
          </ul>
        )}
        {mine && data && <Add sessionId={session.id} there={data} />}
      </section>
      {mine && <Links sessionId={session.id} />}
      <Seen session={session} changes={mine} />
      {own && !own.author && me && (
        <Leave session={session} me={me} role={own.role} onLeft={onClose} />
      )}
    </div>
  );
}
