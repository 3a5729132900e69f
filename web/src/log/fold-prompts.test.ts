import { describe, expect, it } from "vitest";
import type { LogEvent } from "@/api/types";
import { logOf } from "../../dev/steps";
import { transcriptOf } from "../../dev/transcript-of";
import { fold } from "./fold";
import { EMPTY, type Transcript } from "./model";

const kinds = (transcript: Transcript) => transcript.blocks.map((block) => block.kind);

describe("prompts", () => {
  const queued = (prompt_id: string) =>
    ({ type: "prompt_queued", prompt_id, text: prompt_id }) as const;

  it("shows the next one at once, and queues those behind it", () => {
    const result = transcriptOf(queued("a"), queued("b"));
    expect(kinds(result)).toEqual(["prompt"]);
    expect(result.queue.map((prompt) => prompt.promptId)).toEqual(["b"]);
  });

  it("moves a queued prompt to the end when its turn begins", () => {
    const result = transcriptOf(
      queued("a"),
      { type: "turn_started", turn_id: "a" },
      queued("b"),
      { type: "agent_message_chunk", message_id: "m", text: "x" },
      { type: "turn_ended", turn_id: "a", outcome: "done" },
      { type: "turn_started", turn_id: "b" },
    );
    expect(kinds(result)).toEqual(["prompt", "message", "turn_end", "prompt"]);
    expect(result.queue).toEqual([]);
    expect(result.turn?.id).toBe("b");
  });

  const running = [queued("a"), { type: "turn_started", turn_id: "a" } as const];
  const ids = (transcript: Transcript) => transcript.queue.map((prompt) => prompt.promptId);

  it("puts and moves prompts where the log says", () => {
    const result = transcriptOf(
      ...running,
      queued("b"),
      queued("c"),
      { ...queued("d"), when: "now", position: 0 },
      { type: "prompt_moved", prompt_id: "c", position: 1 },
      { type: "prompt_moved", prompt_id: "b", position: 0, when: "now" },
    );
    expect(ids(result)).toEqual(["b", "d", "c"]);
    expect(result.queue.map((prompt) => prompt.when)).toEqual(["now", "now", "queue"]);
  });

  it("takes over an edit, whole", () => {
    const file = { blob: "f", name: "a.png", mime: "image/png", size: 1 };
    const edit = {
      type: "prompt_edited",
      prompt_id: "b",
      text: "better",
      model: "m/x",
      attachments: [file],
    } as const;
    const result = transcriptOf(...running, queued("b"), edit);
    expect(result.queue).toMatchObject([
      { text: "better", model: "m/x", attachments: [file], author: "Ada" },
    ]);
    expect(transcriptOf(queued("b"), edit).blocks).toMatchObject([{ text: "better" }]);
  });

  it("shows whichever is next where nothing runs", () => {
    const first = transcriptOf(queued("a"), queued("b"));
    const swapped = fold(
      first,
      logOf(queued("a"), queued("b"), { type: "prompt_moved", prompt_id: "b", position: 0 }),
    );
    expect(swapped.blocks).toMatchObject([{ promptId: "b" }]);
    expect(ids(swapped)).toEqual(["a"]);
    const events = logOf(
      queued("a"),
      queued("b"),
      { type: "prompt_withdrawn", prompt_id: "a" },
      { type: "prompt_withdrawn", prompt_id: "b" },
    );
    expect(fold(EMPTY, events.slice(0, 3)).blocks).toMatchObject([{ promptId: "b" }]);
    expect(fold(EMPTY, events)).toMatchObject({ blocks: [], queue: [] });
  });

  it("has what was read within a turn where it was read, and ends it with the turn", () => {
    const events = logOf(
      ...running,
      { type: "agent_message_chunk", message_id: "m", text: "x" },
      { ...queued("b"), when: "now", position: 0 },
      { type: "prompt_steered", prompt_id: "b", turn_id: "a" },
      { type: "agent_message_chunk", message_id: "n", text: "y" },
      { type: "turn_ended", turn_id: "a", outcome: "done" },
    );
    const during = fold(EMPTY, events.slice(0, -1));
    expect(kinds(during)).toEqual(["prompt", "message", "prompt", "message"]);
    expect(during.blocks[2]).toMatchObject({ promptId: "b", status: "working" });
    expect(during.turn?.id).toBe("a");
    const after = fold(during, events);
    expect(after.queue).toEqual([]);
    expect(after.blocks[2]).toMatchObject({ status: "done" });
    expect(fold(EMPTY, events)).toEqual(after);
  });

  it("forgets a prompt that was withdrawn", () => {
    const withdrawn = { type: "prompt_withdrawn", prompt_id: "b" } as const;
    const result = transcriptOf(queued("a"), queued("b"), withdrawn);
    expect(result.queue).toEqual([]);
  });

  it("leaves nothing running after a turn", () => {
    const result = transcriptOf(
      queued("a"),
      { type: "turn_started", turn_id: "a" },
      { type: "tool_call", tool_call_id: "t", status: "in_progress" },
      { type: "turn_ended", turn_id: "a", outcome: "stopped" },
    );
    expect(result.blocks[1]).toMatchObject({ kind: "tool", status: "stopped" });
    expect(result.blocks[0]).toMatchObject({ kind: "prompt", status: "stopped" });
  });
});

it("does not tell a problem again when its turn ends", () => {
  const message = "The key was refused.";
  const problem = {
    type: "error",
    code: "key",
    message,
    remedy: null,
    detail: null,
    suggestions: [],
  } as const;
  const result = transcriptOf(
    { type: "prompt_queued", prompt_id: "a", text: "x" },
    { type: "turn_started", turn_id: "a" },
    problem,
    { type: "turn_ended", turn_id: "a", outcome: "failed", message, code: "key" },
  );
  expect(result.blocks.at(-1)).toMatchObject({ kind: "turn_end", message: null });
});

describe("what needs a person", () => {
  it("waits until it is answered", () => {
    const asked = logOf({
      type: "permission_requested",
      request_id: "r",
      tool_call_id: null,
      permission: "bash",
      title: "rm -rf build",
      patterns: [],
      always: [],
    });
    const waiting = fold(EMPTY, asked);
    expect(waiting.pending).toHaveLength(1);
    const [resolved] = logOf({
      type: "permission_resolved",
      request_id: "r",
      reply: "once",
      by: "Ada",
    });
    const answered = fold(waiting, [{ ...resolved, seq: 2 } as LogEvent]);
    expect(answered.pending).toEqual([]);
    expect(answered.blocks[0]).toMatchObject({ reply: "once", by: "Ada" });
  });

  it("takes null answers of a question as dismissed, not as waiting", () => {
    const result = transcriptOf(
      { type: "question_asked", request_id: "q", tool_call_id: null, questions: [] },
      { type: "question_resolved", request_id: "q", answers: null, by: "Ada" },
    );
    expect(result.pending).toEqual([]);
  });
});
