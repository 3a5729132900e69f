import type { Session } from "./types";

/** Who works in a session: prompts, answers, uses its sandbox. Until it is known, the hub decides. */
export function drives(session: Session | undefined): boolean {
  return !session || session.role === "owner" || session.role === "driver";
}

/** Who says who takes part in a session, and may delete it. */
export function owns(session: Session | undefined): boolean {
  return session?.role === "owner";
}
