import { Link } from "@tanstack/react-router";
import { drives } from "@/api/rights";
import type { Session } from "@/api/types";
import { repositoryName } from "@/shell/names";
import { Counts } from "@/ui/Counts";
import { StateMark, stateWord } from "@/ui/StateMark";
import { Ago } from "@/ui/time";

/** Sessions with room for a live line each. */
export function SessionList({ title, sessions }: { title: string; sessions: readonly Session[] }) {
  if (sessions.length === 0) return null;
  return (
    <section className="mt-8">
      <h2 className="mb-1.5 px-1 text-13 text-ink-3">
        {title} <span className="tabular-nums">{sessions.length}</span>
      </h2>
      <ul className="divide-y rounded-md border bg-raised">
        {sessions.map((session) => (
          <li key={session.id}>
            <Entry session={session} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Entry({ session }: { session: Session }) {
  const line = session.activity ?? session.state_reason;
  return (
    <Link
      to="/sessions/$sessionId"
      params={{ sessionId: session.id }}
      className="quiet-ring target flex gap-3 px-3 py-2.5 transition-colors first:rounded-t-md last:rounded-b-md hover:bg-hover"
    >
      <StateMark state={session.state} mayAnswer={drives(session)} className="mt-1.5" />
      <span className="min-w-0 flex-1">
        <span className="flex items-baseline gap-3">
          <span className="truncate">{session.title}</span>
          <span className="ml-auto shrink-0 text-12 text-ink-3">
            <Ago at={session.updated_at} />
          </span>
        </span>
        <span className="flex items-baseline gap-3 text-13 text-ink-3">
          <span className="truncate">{line ?? stateWord(session.state, drives(session))}</span>
          <span className="ml-auto flex shrink-0 items-baseline gap-3">
            {session.changed_files > 0 && (
              <Counts additions={session.additions} deletions={session.deletions} />
            )}
            <span className="max-w-40 truncate max-sm:hidden">
              {repositoryName(session.repository)}
            </span>
          </span>
        </span>
      </span>
    </Link>
  );
}
