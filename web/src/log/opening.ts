import type { Opening } from "@/api/types";
import { fold } from "./fold";
import { type Block, EMPTY, type PromptBlock, type Transcript } from "./model";

/**
 * The transcript to which the events behind a place are folded, where not all before it were read.
 *
 * An opening is a few of the earlier events, so it is folded like all others. Only what is still
 * going on is shown of it: the prompt of the running turn, and what waits for an answer. A prompt
 * that waits is in the queue, since where it was said is not there yet.
 */
export function begin(opening: Opening | null): Transcript {
  if (!opening) return EMPTY;
  const whole = fold(EMPTY, opening.events);
  const { turns, input_tokens: inputTokens, output_tokens: outputTokens, cost } = opening.usage;
  return {
    ...whole,
    blocks: whole.blocks.filter((block) => goesOn(block) && !isWaiting(block)),
    queue: [...whole.blocks.filter(isWaiting), ...whole.queue],
    usage: { turns, inputTokens, outputTokens, cost },
  };
}

function goesOn(block: Block): boolean {
  if (block.kind === "prompt") return block.status === "queued" || block.status === "working";
  return block.kind === "permission" || block.kind === "question";
}

function isWaiting(block: Block): block is PromptBlock {
  return block.kind === "prompt" && block.status === "queued";
}
