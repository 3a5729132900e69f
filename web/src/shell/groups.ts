import { drives } from "@/api/rights";
import type { Session, SessionState } from "@/api/types";

export interface Groups {
  waiting: Session[];
  working: Session[];
  recent: Session[];
}

const LIVE: readonly SessionState[] = ["queued", "starting", "restoring", "working", "waiting"];

/** By what they need of the reader: an answer, nothing, or nothing any more. */
export function groupSessions(sessions: readonly Session[]): Groups {
  // What waits for somebody else's answer is under way.
  const waits = (session: Session) => session.state === "waiting" && drives(session);
  const live = (session: Session) => LIVE.includes(session.state);
  return {
    waiting: sessions.filter(waits),
    working: sessions.filter((session) => live(session) && !waits(session)),
    recent: sessions.filter((session) => !live(session)),
  };
}
