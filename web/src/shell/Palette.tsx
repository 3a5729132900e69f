import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import {
  CircleUser,
  FolderGit2,
  GitPullRequest,
  Keyboard,
  KeyRound,
  Monitor,
  Moon,
  Plus,
  Sun,
  Users,
} from "lucide-react";
import { Dialog } from "radix-ui";
import type { ReactNode } from "react";
import { queries } from "@/api/queries";
import { drives } from "@/api/rights";
import { ITEM, rank } from "@/ui/Combo";
import { StateMark } from "@/ui/StateMark";
import { setTheme } from "@/ui/theme";
import { Ago } from "@/ui/time";
import { repositoryName } from "./names";
import { useShell } from "./shell";

const GROUP =
  "[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-12 [&_[cmdk-group-heading]]:text-ink-3";

/** Finds every session and every action by a few letters. */
export function Palette({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { data: sessions = [] } = useQuery(queries.sessions);
  const { data: me } = useQuery(queries.me);
  const navigate = useNavigate();
  const { openShortcuts } = useShell();
  const run = (action: () => void) => () => {
    onClose();
    action();
  };
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-scrim" />
        <Dialog.Content
          aria-describedby={undefined}
          data-testid="palette"
          className="arrive fixed inset-x-3 top-[12vh] z-50 mx-auto max-w-xl rounded-md border border-line-strong bg-raised shadow-md outline-none"
        >
          <Dialog.Title className="sr-only">Find</Dialog.Title>
          <Command loop filter={rank}>
            <Command.Input
              placeholder="Find a session or an action"
              className="h-12 w-full border-b bg-transparent px-4 outline-none"
            />
            <Command.List className="max-h-[min(420px,60vh)] overflow-y-auto p-2">
              <Command.Empty className="px-2 py-6 text-center text-13 text-ink-3">
                Nothing is called so.
              </Command.Empty>
              <Command.Group heading="Sessions" className={GROUP}>
                {sessions.map((session) => (
                  <Command.Item
                    key={session.id}
                    value={session.id}
                    keywords={[
                      session.title,
                      session.repository ?? "",
                      session.branch ?? "",
                      session.state,
                    ]}
                    className={`${ITEM} items-center`}
                    onSelect={run(() => {
                      void navigate({
                        to: "/sessions/$sessionId",
                        params: { sessionId: session.id },
                      });
                    })}
                  >
                    <StateMark state={session.state} mayAnswer={drives(session)} />
                    <span className="truncate">{session.title}</span>
                    <span className="ml-auto hidden shrink-0 pl-4 text-12 text-ink-3 sm:inline">
                      {repositoryName(session.repository)} · <Ago at={session.updated_at} />
                    </span>
                  </Command.Item>
                ))}
              </Command.Group>
              <Command.Group heading="Actions" className={GROUP}>
                <Action icon={<Plus size={14} />} onSelect={run(() => void navigate({ to: "/" }))}>
                  New session
                </Action>
                <Action
                  icon={<CircleUser size={14} />}
                  words={["github", "token", "sign out", "settings"]}
                  onSelect={run(() => void navigate({ to: "/settings/accounts" }))}
                >
                  Accounts
                </Action>
                <Action
                  icon={<KeyRound size={14} />}
                  words={["token", "api", "browsers", "sign out", "settings"]}
                  onSelect={run(() => void navigate({ to: "/settings/access" }))}
                >
                  Access
                </Action>
                {me?.role === "admin" && (
                  <Action
                    icon={<Users size={14} />}
                    words={["invite", "roles", "settings"]}
                    onSelect={run(() => void navigate({ to: "/settings/people" }))}
                  >
                    People
                  </Action>
                )}
                {me?.role === "admin" && (
                  <Action
                    icon={<GitPullRequest size={14} />}
                    words={["app", "sign-in", "enterprise", "settings"]}
                    onSelect={run(() => void navigate({ to: "/settings/github" }))}
                  >
                    GitHub
                  </Action>
                )}
                {me?.role === "admin" && (
                  <Action
                    icon={<FolderGit2 size={14} />}
                    words={["egress", "environment", "set-up", "settings"]}
                    onSelect={run(() => void navigate({ to: "/settings/repositories" }))}
                  >
                    Repositories
                  </Action>
                )}
                <Action icon={<Keyboard size={14} />} onSelect={run(openShortcuts)}>
                  Show all shortcuts
                </Action>
                <Action icon={<Monitor size={14} />} onSelect={run(() => setTheme("system"))}>
                  Theme as the system
                </Action>
                <Action icon={<Sun size={14} />} onSelect={run(() => setTheme("light"))}>
                  Light theme
                </Action>
                <Action icon={<Moon size={14} />} onSelect={run(() => setTheme("dark"))}>
                  Dark theme
                </Action>
              </Command.Group>
            </Command.List>
          </Command>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Action({
  icon,
  onSelect,
  children,
  words = [],
}: {
  icon: ReactNode;
  onSelect: () => void;
  children: string;
  /** Further words by which it is found. */
  words?: string[];
}) {
  return (
    <Command.Item
      value={children}
      keywords={words}
      onSelect={onSelect}
      className={`${ITEM} items-center`}
    >
      <span className="text-ink-3">{icon}</span>
      {children}
    </Command.Item>
  );
}
