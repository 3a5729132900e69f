import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import type { Interest } from "@/log/environment";
import { useStored } from "@/ui/stored";
import { type PanePlace, type PaneTab, panesFor } from "../context";

/**
 * What the reader chose last, for all sessions; `auto` until they choose. Panes that start
 * something in the sandbox are not among them: opening another session must not start it there.
 */
type Choice = "changes" | "details" | "closed" | "auto";

/**
 * Which pane stands beside the transcript, and where in it.
 *
 * What the reader chose in this session stands in the address. Unless they have chosen, it opens at
 * what became interesting last, if the reader may look into that (`drives`). On a phone nothing opens
 * by itself: `null` is the chat.
 */
export function usePane(interesting: Interest | null, wide: boolean, drives: boolean) {
  const search = useSearch({ from: "/sessions/$sessionId" });
  const navigate = useNavigate({ from: "/sessions/$sessionId" });
  const [choice, setChoice] = useStored<Choice>("pane", "auto");
  const open = interesting && panesFor(drives).includes(interesting) ? interesting : null;
  const auto = choice === "auto" ? open : choice === "closed" ? null : choice;
  const tab: PaneTab | null = search.pane ?? (wide ? auto : null);

  const show = useCallback(
    (next: PaneTab, place: PanePlace = {}) => {
      if (next === "changes" || next === "details") setChoice(next);
      void navigate({
        search: (before) => ({ ...before, pane: next, ...place }),
        replace: true,
      });
    },
    [navigate, setChoice],
  );
  const close = useCallback(() => {
    if (wide) setChoice("closed");
    void navigate({ search: {}, replace: true });
  }, [navigate, setChoice, wide]);

  const place = useMemo(
    () => ({ port: search.port, terminal: search.terminal }),
    [search.port, search.terminal],
  );
  return { tab, chosen: search.pane !== undefined, place, solo: search.solo === 1, show, close };
}
