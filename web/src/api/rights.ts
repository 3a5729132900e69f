import type { Session } from "./types";

/** Who works in a session: prompts, answers, uses its sandbox. Until it is known, the hub decides. */
export function drives(session: Session | undefined): boolean {
  return !session || session.role === "owner" || session.role === "driver";
}

/** Who may say something to the others, beside the agent. */
export function comments(session: Session | undefined): boolean {
  return session !== undefined && session.role !== "viewer";
}

/** Who says who takes part in a session, and may delete it. */
export function owns(session: Session | undefined): boolean {
  return session?.role === "owner";
}
