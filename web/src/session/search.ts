/** What a session's address says about its pane, so that a reload, or a tab of its own, has it too. */
import { PANE_TABS, type PaneTab } from "./context";

export interface SessionSearch {
  pane?: PaneTab;
  /** Only the pane is shown. */
  solo?: 1;
  /** For the preview. */
  port?: number;
  /** For the terminals. */
  terminal?: string;
}

export function sessionSearch(search: Record<string, unknown>): SessionSearch {
  const { pane, solo, port, terminal } = search;
  const result: SessionSearch = {};
  if (PANE_TABS.includes(pane as PaneTab)) result.pane = pane as PaneTab;
  if (Number(solo) === 1 && result.pane) result.solo = 1;
  if (Number.isInteger(port) && Number(port) > 0) result.port = Number(port);
  // What looks like a number is read as one.
  if (typeof terminal === "string" || typeof terminal === "number")
    result.terminal = String(terminal);
  return result;
}
