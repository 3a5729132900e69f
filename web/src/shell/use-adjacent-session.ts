import { useQuery } from "@tanstack/react-query";
import { useNavigate, useRouterState } from "@tanstack/react-router";
import { queries } from "@/api/queries";
import { groupSessions } from "./groups";

/** Goes to the session below (1) or above (-1) the one that is open, as the sidebar has them. */
export function useAdjacentSession(): (step: 1 | -1) => void {
  const { data: sessions = [] } = useQuery(queries.sessions);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const navigate = useNavigate();
  return (step) => {
    const { waiting, working, recent } = groupSessions(sessions);
    const order = [...waiting, ...working, ...recent];
    const here = order.findIndex((session) => path === `/sessions/${session.id}`);
    const next = order[here < 0 ? 0 : here + step];
    if (next) void navigate({ to: "/sessions/$sessionId", params: { sessionId: next.id } });
  };
}
