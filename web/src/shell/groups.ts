import type { Session, SessionState } from "@/api/types";

export interface Groups {
  waiting: Session[];
  working: Session[];
  recent: Session[];
}

const WORKING: readonly SessionState[] = ["queued", "starting", "restoring", "working"];

/** By what they need: an answer, nothing, or nothing any more. */
export function groupSessions(sessions: readonly Session[]): Groups {
  return {
    waiting: sessions.filter((session) => session.state === "waiting"),
    working: sessions.filter((session) => WORKING.includes(session.state)),
    recent: sessions.filter(
      (session) => session.state !== "waiting" && !WORKING.includes(session.state),
    ),
  };
}
