import type { EventOf } from "@/api/types";
import type {
  Block,
  PermissionBlock,
  PromptBlock,
  QuestionBlock,
  RefusedBlock,
  Transcript,
} from "./model";

export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A transcript that is being changed: copies what it touches, once, and leaves the rest alone. */
export class Draft {
  readonly next: Mutable<Transcript>;
  private blocks: Block[] | null = null;
  private asked = false;
  /** The place of what is folded just now. */
  seq = 0;

  constructor(private readonly before: Transcript) {
    this.next = { ...before };
  }

  finish(): Transcript {
    if (this.next.lastSeq === this.before.lastSeq) return this.before;
    if (this.blocks) this.next.blocks = this.blocks;
    if (this.asked) this.next.pending = (this.blocks ?? []).filter(waits);
    return this.next;
  }

  // ── blocks ──────────────────────────────────────────────────────────────────────────────────

  private get current(): readonly Block[] {
    return this.blocks ?? this.before.blocks;
  }

  private get writable(): Block[] {
    this.blocks ??= [...this.before.blocks];
    return this.blocks;
  }

  /** The newest block of which this is true, or -1. What is looked for is near the end. */
  find(test: (block: Block) => boolean): number {
    return this.current.findLastIndex(test);
  }

  at(index: number): Block | undefined {
    return index < 0 ? undefined : this.current[index];
  }

  newest(): number {
    return this.current.length - 1;
  }

  replace(index: number, block: Block): void {
    this.writable[index] = block;
  }

  push(block: Block): void {
    const last = this.current.length - 1;
    const before = this.at(last);
    if ((before?.kind === "message" || before?.kind === "thought") && !before.complete) {
      this.replace(last, { ...before, complete: true });
    } else if (before?.kind === "retry" && !before.over) {
      this.replace(last, { ...before, over: true });
    }
    this.writable.push({ ...block, seq: this.seq });
  }

  remove(test: (block: Block) => boolean): void {
    const index = this.find(test);
    if (index >= 0) this.writable.splice(index, 1);
  }

  removeAll(test: (block: Block) => boolean): void {
    if (this.find(test) >= 0) this.blocks = this.current.filter((block) => !test(block));
  }

  /** Say of all blocks of which this is true that they count, or for how long they do not. */
  mark(test: (block: Block) => boolean, undone: Block["undone"]): void {
    this.current.forEach((block, index) => {
      if (test(block)) this.replace(index, { ...block, undone });
    });
  }

  closeSetup(): void {
    const index = this.find((block) => block.kind === "setup");
    const block = this.at(index);
    if (block?.kind === "setup" && block.open) this.replace(index, { ...block, open: false });
  }

  // ── prompts and turns ───────────────────────────────────────────────────────────────────────

  startTurn(event: EventOf<"turn_started">): void {
    this.closeSetup();
    this.next.turn = { id: event.turn_id, model: event.model, startedAt: event.at };
    const queued = this.next.queue.find((prompt) => prompt.promptId === event.turn_id);
    if (queued) {
      this.next.queue = this.next.queue.filter((prompt) => prompt !== queued);
      this.push({ ...queued, status: "working" });
    } else {
      this.markPrompt(event.turn_id, "working");
    }
  }

  endTurn(event: EventOf<"turn_ended">, key: string): void {
    this.next.turn = null;
    const begin = this.markPrompt(event.turn_id, event.outcome);
    this.settle(Math.max(begin, 0), event.outcome);
    // A problem that was told is not told again.
    const told = this.current
      .slice(Math.max(begin, 0))
      .some(
        (block) =>
          block.kind === "problem" &&
          (block.code === event.code || block.message === event.message),
      );
    this.push({
      kind: "turn_end",
      key,
      at: event.at,
      turnId: event.turn_id,
      outcome: event.outcome,
      message: told ? null : event.message,
      code: event.code,
      ms: event.ms,
      inputTokens: event.input_tokens,
      outputTokens: event.output_tokens,
      cost: event.cost,
    });
    const { usage } = this.next;
    this.next.usage = {
      turns: usage.turns + 1,
      inputTokens: usage.inputTokens + (event.input_tokens ?? 0),
      outputTokens: usage.outputTokens + (event.output_tokens ?? 0),
      cost: event.cost === null ? usage.cost : (usage.cost ?? 0) + event.cost,
    };
  }

  private markPrompt(id: string, status: PromptBlock["status"]): number {
    const index = this.find((block) => block.kind === "prompt" && block.promptId === id);
    const block = this.at(index);
    if (block?.kind === "prompt") this.replace(index, { ...block, status });
    return index;
  }

  /** Nothing that the turn began, or that was said within it, goes on beyond it. */
  private settle(from: number, outcome: EventOf<"turn_ended">["outcome"]): void {
    for (let index = from; index < this.current.length; index++) {
      const block = this.at(index);
      if (block?.kind === "prompt" && block.status === "working") {
        this.replace(index, { ...block, status: outcome });
      } else if ((block?.kind === "message" || block?.kind === "thought") && !block.complete) {
        this.replace(index, { ...block, complete: true });
      } else if (block?.kind === "retry" && !block.over) {
        this.replace(index, { ...block, over: true });
      } else if (
        block?.kind === "tool" &&
        (block.status === "pending" || block.status === "in_progress")
      ) {
        this.replace(index, { ...block, status: "stopped" });
      }
    }
  }

  retry(event: EventOf<"model_retry">, key: string): void {
    const last = this.current.length - 1;
    const before = this.at(last);
    const { attempt, message, next_at: nextAt, at } = event;
    if (before?.kind === "retry") {
      this.replace(last, { ...before, attempt, message, nextAt, over: false });
    } else {
      this.push({ kind: "retry", key, at, attempt, message, nextAt, over: false });
    }
  }

  // ── what needs a person ─────────────────────────────────────────────────────────────────────

  ask(block: PermissionBlock | QuestionBlock): void {
    this.push(block);
    this.asked = true;
  }

  answer(
    kind: "permission",
    requestId: string,
    answer: Pick<PermissionBlock, "reply" | "by">,
  ): void;
  answer(kind: "question", requestId: string, answer: Pick<QuestionBlock, "answers" | "by">): void;
  answer(kind: "permission" | "question", requestId: string, answer: object): void {
    const index = this.find(
      (block) => block.kind === kind && block.request.request_id === requestId,
    );
    const block = this.at(index);
    if (!block) return;
    this.replace(index, { ...block, ...answer } as Block);
    this.asked = true;
  }

  // ── the sandbox ─────────────────────────────────────────────────────────────────────────────

  refuse(event: EventOf<"egress_refused">, key: string): void {
    const { host, port, protocol, reason, count, at } = event;
    const fresh: RefusedBlock = { kind: "refused", key, at, host, port, protocol, reason, count };
    const same = (block: Block | undefined): block is RefusedBlock =>
      block?.kind === "refused" &&
      block.host === host &&
      block.port === port &&
      block.protocol === protocol;

    const last = this.current.length - 1;
    const before = this.at(last);
    if (same(before)) this.replace(last, { ...before, count: before.count + count });
    else this.push(fresh);

    const known = this.next.refused.findIndex(same);
    const total = this.next.refused[known];
    this.next.refused = total
      ? this.next.refused.with(known, { ...total, at, count: total.count + count })
      : [...this.next.refused, fresh];
  }
}

function waits(block: Block): block is PermissionBlock | QuestionBlock {
  return (
    (block.kind === "permission" && block.reply === null) ||
    (block.kind === "question" && block.answers === undefined)
  );
}
