import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Keyboard, Monitor, Moon, Plus, Search, Sun } from "lucide-react";
import { useMemo } from "react";
import { queries } from "@/api/queries";
import type { Session } from "@/api/types";
import { IconButton } from "@/ui/Button";
import { Kbd } from "@/ui/Kbd";
import { Menu, MenuChoice } from "@/ui/Menu";
import { setTheme, type Theme, useTheme } from "@/ui/theme";
import { groupSessions } from "./groups";
import { Mark } from "./Mark";
import { SessionRow } from "./SessionRow";
import { useShell } from "./shell";

/** The list of sessions, live, by what they need. */
export function Sidebar() {
  const { data: sessions, isPending } = useQuery(queries.sessions);
  const { openPalette } = useShell();
  const { waiting, working, recent } = useMemo(() => groupSessions(sessions ?? []), [sessions]);
  return (
    <nav aria-label="Sessions" className="flex h-full flex-col bg-ground">
      <div className="flex h-12 shrink-0 items-center justify-between pr-2 pl-4">
        <Link to="/" className="flex items-center gap-2 font-semibold" aria-label="Bunkhouse, home">
          <Mark /> Bunkhouse
        </Link>
        <Link
          to="/"
          aria-label="New session"
          title="New session (N)"
          className="target inline-flex size-8 items-center justify-center rounded-md text-ink-2 transition-colors hover:bg-hover hover:text-ink"
        >
          <Plus size={16} />
        </Link>
      </div>
      <div className="px-2 pb-2">
        <button
          type="button"
          onClick={openPalette}
          className="target flex h-8 w-full items-center gap-2 rounded-md border bg-paper px-2 text-13 text-ink-3 transition-colors hover:border-line-strong hover:text-ink-2"
        >
          <Search size={14} /> Find
          <Kbd keys="Ctrl+K" className="ml-auto" />
        </button>
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto px-2 pb-4">
        <Group title="Waits for you" sessions={waiting} counted />
        <Group title="Working" sessions={working} counted />
        <Group title="Recent" sessions={recent} />
        {!isPending && sessions?.length === 0 && (
          <p className="px-2 pt-2 text-13 text-ink-3">Your sessions will stand here.</p>
        )}
      </div>
      <Foot />
    </nav>
  );
}

function Group({
  title,
  sessions,
  counted,
}: {
  title: string;
  sessions: Session[];
  counted?: boolean;
}) {
  if (sessions.length === 0) return null;
  return (
    <section className="pt-3">
      <h2 className="px-2 pb-1 text-12 text-ink-3">
        {title}
        {counted && <span className="tabular-nums"> {sessions.length}</span>}
      </h2>
      {sessions.map((session) => (
        <SessionRow key={session.id} session={session} />
      ))}
    </section>
  );
}

const THEMES: { theme: Theme; label: string; Icon: typeof Sun }[] = [
  { theme: "system", label: "As the system", Icon: Monitor },
  { theme: "light", label: "Light", Icon: Sun },
  { theme: "dark", label: "Dark", Icon: Moon },
];

function Foot() {
  const { data: me } = useQuery(queries.me);
  const { openShortcuts } = useShell();
  const theme = useTheme();
  const Icon = THEMES.find((candidate) => candidate.theme === theme)?.Icon ?? Monitor;
  return (
    <div className="flex h-12 shrink-0 items-center border-t pr-2 pl-4">
      <Link
        to="/settings/accounts"
        data-testid="own-accounts"
        className="target min-w-0 flex-1 truncate text-13 text-ink-2 transition-colors hover:text-ink"
        title={me && `${me.role}; your accounts`}
      >
        {me?.name}
      </Link>
      <IconButton label="Shortcuts" onClick={openShortcuts}>
        <Keyboard size={16} />
      </IconButton>
      <Menu
        align="end"
        trigger={
          <IconButton label="Theme">
            <Icon size={16} />
          </IconButton>
        }
      >
        {THEMES.map((choice) => (
          <MenuChoice
            key={choice.theme}
            chosen={theme === choice.theme}
            label={choice.label}
            onSelect={() => setTheme(choice.theme)}
          />
        ))}
      </Menu>
    </div>
  );
}
