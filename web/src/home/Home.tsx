import { useQuery } from "@tanstack/react-query";
import { Menu as MenuIcon } from "lucide-react";
import { useMemo } from "react";
import { queries } from "@/api/queries";
import { groupSessions } from "@/shell/groups";
import { useShell } from "@/shell/shell";
import { IconButton } from "@/ui/Button";
import { NewSession } from "./NewSession";
import { SessionList } from "./SessionList";
import { SystemBanner } from "./SystemBanner";

/** The first page: what shall be done, and how everything stands. */
export function Home() {
  const { data: sessions } = useQuery(queries.sessions);
  const { data: system } = useQuery(queries.system);
  const { openSidebar } = useShell();
  const { waiting, working, recent } = useMemo(() => groupSessions(sessions ?? []), [sessions]);
  return (
    <main className="min-h-0 flex-1 overflow-y-auto">
      <div className="p-1 lg:hidden">
        <IconButton label="Sessions" onClick={openSidebar}>
          <MenuIcon size={18} />
        </IconButton>
      </div>
      <div className="mx-auto max-w-[var(--column)] px-4 pt-4 pb-16 sm:px-6 lg:pt-[11vh]">
        <h1 className="mb-4 px-1 text-24 font-semibold">What shall be done?</h1>
        {/* What it begins with depends on whether there are sessions: it waits for that. */}
        {sessions ? (
          <NewSession sessions={sessions} />
        ) : (
          <div className="h-40 rounded-md border bg-raised" />
        )}
        <div className="mt-4 empty:hidden">
          <SystemBanner system={system} />
        </div>
        <SessionList title="Waits for you" sessions={waiting} />
        <SessionList title="Working" sessions={working} />
        <SessionList title="Recent" sessions={recent.slice(0, 8)} />
      </div>
    </main>
  );
}
