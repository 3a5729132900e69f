/**
 * What the hub says of its own tools, beside what the agent's card says of the same call.
 *
 * The two come by different ways, in any order. A call has one card: the agent's. Only where there
 * is none, as when a program in the sandbox made the call, does the hub's word stand by itself.
 */
import type { EventOf } from "@/api/types";
import type { Draft } from "./draft";
import type { Block, HubToolBlock, ToolBlock } from "./model";

/** Before the hub's names of its tools, in the agent's. */
const PREFIX = "bunkhouse_";

export function toolCalled(draft: Draft, event: EventOf<"hub_tool_called">, key: string): void {
  const card = oldestOpen(
    draft,
    (block) => block.kind === "tool" && block.tool === PREFIX + event.tool && block.by === null,
  );
  const block = draft.at(card);
  if (block?.kind === "tool") draft.replace(card, told(block, event));
  else draft.push({ kind: "hub_tool", key, at: event.at, event });
}

/** A card that has just come: what the hub has said of its call already goes into it. */
export function withWord(draft: Draft, card: ToolBlock): ToolBlock {
  if (!card.tool.startsWith(PREFIX)) return card;
  const about = (block: Block) =>
    block.kind === "hub_tool" && PREFIX + block.event.tool === card.tool;
  const block = draft.at(oldestOpen(draft, about));
  if (block?.kind !== "hub_tool") return card;
  draft.remove((other) => other === block);
  return told(card, block.event);
}

function told(card: ToolBlock, event: HubToolBlock["event"]): ToolBlock {
  const pictures = event.picture ? [event.picture] : card.pictures;
  return { ...card, pictures, by: event.by ?? "" };
}

/** The first block of the running turn of which this is true, or -1: calls are served in order. */
function oldestOpen(draft: Draft, test: (block: Block) => boolean): number {
  let found = -1;
  for (let index = draft.newest(); index >= 0; index--) {
    const block = draft.at(index);
    if (!block || block.kind === "turn_end") break;
    if (test(block)) found = index;
  }
  return found;
}
