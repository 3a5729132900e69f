import { useQuery } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { Menu as MenuIcon } from "lucide-react";
import { queries } from "@/api/queries";
import { useShell } from "@/shell/shell";
import { IconButton } from "@/ui/Button";

const TAB =
  "quiet-ring -mb-px flex h-10 items-center border-b-2 px-2 text-13 transition-colors pointer-coarse:h-11";

/** Around every page of settings: the way to the others. */
export function Settings() {
  const { data: me } = useQuery(queries.me);
  const { openSidebar } = useShell();
  return (
    <main className="flex min-h-0 flex-1 flex-col bg-paper">
      <nav
        aria-label="Settings"
        className="flex h-14 shrink-0 items-end gap-1 border-b px-2 sm:px-4"
      >
        <IconButton label="Sessions" onClick={openSidebar} className="self-center lg:hidden">
          <MenuIcon size={18} />
        </IconButton>
        <Tab to="/settings/accounts">Accounts</Tab>
        <Tab to="/settings/access">Access</Tab>
        {me?.role === "admin" && <Tab to="/settings/people">People</Tab>}
        {me?.role === "admin" && <Tab to="/settings/github">GitHub</Tab>}
        {me?.role === "admin" && <Tab to="/settings/repositories">Repositories</Tab>}
      </nav>
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="mx-auto max-w-[var(--column)] px-4 pt-6 pb-16 sm:px-6 lg:pt-10">
          <Outlet />
        </div>
      </div>
    </main>
  );
}

function Tab({
  to,
  children,
}: {
  to:
    | "/settings/access"
    | "/settings/accounts"
    | "/settings/people"
    | "/settings/github"
    | "/settings/repositories";
  children: string;
}) {
  return (
    <Link
      to={to}
      className={TAB}
      activeProps={{ className: "border-accent text-ink" }}
      inactiveProps={{ className: "border-transparent text-ink-3 hover:text-ink" }}
    >
      {children}
    </Link>
  );
}
