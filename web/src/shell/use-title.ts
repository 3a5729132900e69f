import { useQuery } from "@tanstack/react-query";
import { useRouterState } from "@tanstack/react-router";
import { useEffect } from "react";
import { queries } from "@/api/queries";
import { groupSessions } from "./groups";

const PAGES: Record<string, string> = {
  "/settings/access": "Access",
  "/settings/accounts": "Accounts",
  "/settings/people": "People",
  "/settings/github": "GitHub",
  "/settings/repositories": "Repositories",
};

/** The tab says what waits and where one is, so that it can be left in the background. */
export function useTitle(): void {
  const { data: sessions = [] } = useQuery(queries.sessions);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const here = sessions.find((session) => path === `/sessions/${session.id}`);
  const title = here?.title ?? PAGES[path] ?? "Bunkhouse";
  const waiting = groupSessions(sessions).waiting.length;
  useEffect(() => {
    const sign = waiting > 0 ? `◇ ${waiting} · ` : here?.state === "working" ? "● " : "";
    document.title = `${sign}${title}`;
  }, [waiting, here, title]);
}
