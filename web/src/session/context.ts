import { createContext, useContext } from "react";
import type { SessionActions } from "@/api/queries";
import type { Session, SessionState } from "@/api/types";
import type { Transcript } from "@/log/model";

export const PANE_TABS = [
  "changes",
  "editor",
  "browser",
  "terminal",
  "preview",
  "details",
] as const;
export type PaneTab = (typeof PANE_TABS)[number];

/** Panes that show what the log has. All others look into the sandbox, for those who may. */
const READ_TABS: readonly PaneTab[] = ["changes", "details"];

export function panesFor(drives: boolean): readonly PaneTab[] {
  return drives ? PANE_TABS : READ_TABS;
}

/** Where a pane opens: a port and a path of it for the preview, a terminal's id. */
export interface PanePlace {
  port?: number | undefined;
  terminal?: string | undefined;
}

export interface SessionPageState {
  id: string;
  session: Session | undefined;
  /** Whether the reader may prompt, answer, and use the sandbox. */
  drives: boolean;
  transcript: Transcript;
  state: SessionState;
  actions: SessionActions;
  /** Do something and, where the hub refuses, say so above the composer. */
  act: (deed: Promise<unknown>) => Promise<boolean>;
  showPane: (tab: PaneTab, place?: PanePlace) => void;
  place: PanePlace;
  /** Open the dialog about who takes part. */
  share: () => void;
  /** The pane has the whole window. */
  full: boolean;
  /** A public link shows it: there is nothing else that one may ask the hub for. */
  shown?: boolean;
}

export const SessionContext = createContext<SessionPageState | null>(null);

export function useSessionPage(): SessionPageState {
  const page = useContext(SessionContext);
  if (!page) throw new Error("This is part of a session's page.");
  return page;
}
