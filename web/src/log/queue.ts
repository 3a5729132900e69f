/**
 * Prompts that wait, in the order in which the agent gets them.
 *
 * One that comes up next is part of what is read at once: it stands among the blocks, and those
 * behind it in the queue. While a turn runs, or a person drives, all of them stand in the queue.
 */
import type { EventOf } from "@/api/types";
import type { Draft } from "./draft";
import type { PromptBlock } from "./model";

export function queued(draft: Draft, event: EventOf<"prompt_queued">): void {
  const { prompt_id: promptId, kind: origin, text, author, model, attachments, when, at } = event;
  const prompt: PromptBlock = {
    kind: "prompt",
    key: `prompt:${promptId}`,
    promptId,
    origin,
    text,
    author,
    model,
    attachments,
    when,
    at,
    status: "queued",
    asked: event.seq,
    steered: false,
  };
  const { next } = draft;
  const before = waiting(draft);
  const position = event.position ?? (origin === "hand_back" ? 0 : before.length);
  if (before.length === 0 && !next.turn && !next.drive) draft.push(prompt);
  else arrange(draft, before.toSpliced(position, 0, prompt));
}

export function edited(draft: Draft, event: EventOf<"prompt_edited">): void {
  const { text, model, attachments } = event;
  const change = (prompt: PromptBlock) =>
    prompt.promptId === event.prompt_id ? { ...prompt, text, model, attachments } : prompt;
  arrange(draft, waiting(draft).map(change));
}

export function moved(draft: Draft, event: EventOf<"prompt_moved">): void {
  const before = waiting(draft);
  const prompt = before.find(is(event.prompt_id));
  if (!prompt) return;
  const others = before.filter((other) => other !== prompt);
  arrange(draft, others.toSpliced(event.position, 0, { ...prompt, when: event.when }));
}

/** The agent read it within its turn: that is where it was said. */
export function steered(draft: Draft, id: string): void {
  const before = waiting(draft);
  const prompt = before.find(is(id));
  if (!prompt) return;
  arrange(
    draft,
    before.filter((other) => other !== prompt),
  );
  draft.push({ ...prompt, status: "working", steered: true });
}

export function withdrawn(draft: Draft, id: string): void {
  arrange(
    draft,
    waiting(draft).filter((prompt) => prompt.promptId !== id),
  );
}

const is = (id: string) => (prompt: PromptBlock) => prompt.promptId === id;

/** Where the prompt stands that is read already, though it waits; -1 where none does. */
function shown(draft: Draft): number {
  return draft.find((block) => block.kind === "prompt" && block.status === "queued");
}

function waiting(draft: Draft): readonly PromptBlock[] {
  const first = draft.at(shown(draft));
  return first?.kind === "prompt" ? [first, ...draft.next.queue] : draft.next.queue;
}

/** What waits from now on. If one of them is read already, that is the first. */
function arrange(draft: Draft, prompts: readonly PromptBlock[]): void {
  const index = shown(draft);
  const first = prompts[0];
  if (index < 0) {
    draft.next.queue = prompts;
  } else if (first) {
    if (draft.at(index) !== first) draft.replace(index, first);
    draft.next.queue = prompts.slice(1);
  } else {
    draft.remove((block) => block === draft.at(index));
    draft.next.queue = [];
  }
}
