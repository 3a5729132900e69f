import type { Transcript } from "./model";

/**
 * The turn that may be tried again: the last, where it failed or was stopped, and nothing was said
 * since. What came after it may have answered it, and the agent would not know what is meant.
 */
export function turnToRetry({ blocks, queue, turn }: Transcript): string | null {
  if (turn || queue.length > 0) return null;
  const last = blocks.findLast((block) => block.kind === "turn_end" || block.kind === "prompt");
  if (last?.kind !== "turn_end") return null;
  return last.outcome === "failed" || last.outcome === "stopped" ? last.turnId : null;
}
