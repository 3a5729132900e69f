import { useQuery } from "@tanstack/react-query";
import { Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { Dialog } from "radix-ui";
import { useEffect, useMemo, useState } from "react";
import { Refusal } from "@/api/client";
import { useLink } from "@/api/live";
import { queries } from "@/api/queries";
import { useKeys } from "@/ui/keys";
import { Offline } from "./Offline";
import { Palette } from "./Palette";
import { Shortcuts } from "./Shortcuts";
import { Sidebar } from "./Sidebar";
import { SignIn } from "./SignIn";
import { ShellContext } from "./shell";
import { useAdjacentSession } from "./use-adjacent-session";
import { useTitle } from "./use-title";

/** What stands around every page: who is asked for first, the list of sessions, the palette. */
export function Layout() {
  const shown = useRouterState({
    select: (state) => state.location.pathname.startsWith("/shared/"),
  });
  // What a public link shows is for whoever has it: nobody is asked who they are.
  return shown ? <Outlet /> : <Inside />;
}

function Inside() {
  const me = useQuery(queries.me);
  if (me.error instanceof Refusal && me.error.status === 401) return <SignIn why={me.error} />;
  if (me.isPending || (me.error && !me.data)) {
    return me.error ? <Offline retry={() => void me.refetch()} whole /> : null;
  }
  return <House />;
}

function House() {
  const link = useLink();
  const navigate = useNavigate();
  const adjacent = useAdjacentSession();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const solo = useRouterState({ select: (state) => "solo" in state.location.search });
  const [palette, setPalette] = useState(false);
  const [shortcuts, setShortcuts] = useState(false);
  const [drawer, setDrawer] = useState(false);
  useTitle();

  // biome-ignore lint/correctness/useExhaustiveDependencies: the drawer closes when the page changes
  useEffect(() => setDrawer(false), [path]);

  useKeys({
    n: () => void navigate({ to: "/" }),
    j: () => adjacent(1),
    k: () => adjacent(-1),
    "?": () => setShortcuts(true),
  });
  useKeys({ "ctrl+k": () => setPalette((open) => !open) }, { inDialogs: true });

  const shell = useMemo(
    () => ({
      openPalette: () => setPalette(true),
      openShortcuts: () => setShortcuts(true),
      openSidebar: () => setDrawer(true),
    }),
    [],
  );

  return (
    <ShellContext value={shell}>
      <div className="flex h-dvh overflow-hidden">
        {!solo && (
          <div className="hidden w-68 shrink-0 border-r lg:block">
            <Sidebar />
          </div>
        )}
        <div className="flex min-w-0 flex-1 flex-col">
          {link === "offline" && <Offline />}
          <Outlet />
        </div>
      </div>
      <Dialog.Root open={drawer} onOpenChange={setDrawer}>
        <Dialog.Portal>
          <Dialog.Overlay className="fixed inset-0 z-40 bg-scrim" />
          <Dialog.Content
            aria-describedby={undefined}
            className="fixed inset-y-0 left-0 z-50 w-[min(320px,86vw)] border-r bg-ground shadow-md outline-none"
          >
            <Dialog.Title className="sr-only">Sessions</Dialog.Title>
            <Sidebar />
          </Dialog.Content>
        </Dialog.Portal>
      </Dialog.Root>
      <Palette open={palette} onClose={() => setPalette(false)} />
      <Shortcuts open={shortcuts} onClose={() => setShortcuts(false)} />
    </ShellContext>
  );
}
