import { Link } from "@tanstack/react-router";
import { CornerDownRight } from "lucide-react";
import { memo } from "react";
import { useOthers } from "@/api/presence";
import { drives } from "@/api/rights";
import type { Session } from "@/api/types";
import { Counts } from "@/ui/Counts";
import { Initials } from "@/ui/Initials";
import { StateMark } from "@/ui/StateMark";
import { Ago } from "@/ui/time";
import { repositoryName } from "./names";

/** A session in the sidebar: what it is called, where it works, and how it stands. */
export const SessionRow = memo(function SessionRow({ session }: { session: Session }) {
  const others = useOthers(session.id);
  const live = session.state === "working" || session.state === "waiting";
  return (
    <Link
      to="/sessions/$sessionId"
      params={{ sessionId: session.id }}
      data-session={session.id}
      className="quiet-ring target flex flex-col rounded-md px-2 py-1.5 transition-colors hover:bg-hover"
      activeProps={{ className: "bg-hover", "aria-current": "page" }}
    >
      <span className="flex min-w-0 items-center gap-2">
        <StateMark state={session.state} mayAnswer={drives(session)} />
        {session.parent && (
          <CornerDownRight
            size={12}
            role="img"
            aria-label="Child session"
            className="-mr-1 shrink-0 text-ink-3"
          />
        )}
        <span className="mr-auto truncate text-13">{session.title}</span>
        <Initials people={others} small />
      </span>
      <span className="flex min-w-0 items-center gap-1 pl-5 text-12 text-ink-3">
        <span className="truncate">
          {live && session.activity ? session.activity : repositoryName(session.repository)}
        </span>
        <span className="ml-auto shrink-0 pl-1">
          {!live && session.changed_files > 0 ? (
            <Counts additions={session.additions} deletions={session.deletions} />
          ) : (
            <Ago at={session.updated_at} />
          )}
        </span>
      </span>
    </Link>
  );
});
