import { describe, expect, it } from "vitest";
import type { LogEvent } from "@/api/types";
import { fold } from "./fold";
import { EMPTY, type Transcript } from "./model";

type Loose = { type: LogEvent["type"]; seq?: number } & Record<string, unknown>;

/** Events as the hub sends them: numbered, with all their fields. */
function log(...events: Loose[]): LogEvent[] {
  const defaults: Partial<Record<LogEvent["type"], object>> = {
    tool_call: { tool: "bash", kind: "execute", title: "", status: "pending", input: {} },
    tool_call_update: {
      status: null,
      title: null,
      input: null,
      output: null,
      output_truncated: false,
      output_left_out: 0,
      whole_output: null,
      diff: null,
      exit_code: null,
      error: null,
      ms: null,
    },
    stage: { detail: null, progress: null, ms: null },
    state_changed: { reason: null },
    turn_ended: {
      message: null,
      code: null,
      ms: null,
      input_tokens: null,
      output_tokens: null,
      cost: null,
    },
    prompt_queued: {
      author: "Ada",
      model: null,
      kind: "prompt",
      attachments: [],
      when: "queue",
      position: null,
    },
    prompt_edited: { model: null, attachments: [], by: "Bob" },
    prompt_moved: { when: "queue", by: "Bob" },
    turn_started: { model: "demo/demo" },
  };
  return events.map((event, index) => ({
    seq: index + 1,
    first_seq: null,
    at: `2026-11-23T10:00:00.${String(index % 1000).padStart(3, "0")}Z`,
    ...defaults[event.type],
    ...event,
  })) as LogEvent[];
}

const kinds = (transcript: Transcript) => transcript.blocks.map((block) => block.kind);

function text(transcript: Transcript, messageId: string): string | undefined {
  const block = transcript.blocks.find(
    (candidate) =>
      (candidate.kind === "message" || candidate.kind === "thought") &&
      candidate.messageId === messageId,
  );
  return block?.kind === "message" || block?.kind === "thought" ? block.text : undefined;
}

/** A long log: turns with thoughts, streamed text and tools that print. */
function longLog(length: number): LogEvent[] {
  const events: Loose[] = [];
  for (let turn = 0; events.length < length; turn++) {
    const id = `p${turn}`;
    events.push({ type: "prompt_queued", prompt_id: id, text: `Do ${turn}` });
    events.push({ type: "turn_started", turn_id: id });
    for (let part = 0; part < 8; part++) {
      const tool_call_id = `t${turn}.${part}`;
      const message_id = `m${turn}.${part}`;
      for (let frame = 0; frame < 10; frame++) {
        events.push({ type: "agent_message_chunk", message_id, text: `w${frame} ` });
      }
      events.push({ type: "tool_call", tool_call_id });
      for (let frame = 0; frame < 5; frame++) {
        events.push({ type: "tool_output_chunk", tool_call_id, text: `line ${frame}\n` });
      }
      events.push({ type: "tool_call_update", tool_call_id, status: "completed", output: "all" });
    }
    events.push({ type: "turn_ended", turn_id: id, outcome: "done", input_tokens: 10 });
  }
  return log(...events).slice(0, length);
}

/** As the hub folds: consecutive frames of one text become one event. */
function folded(events: LogEvent[]): LogEvent[] {
  const field = {
    agent_message_chunk: "message_id",
    agent_thought_chunk: "message_id",
    tool_output_chunk: "tool_call_id",
  } as const;
  const result: LogEvent[] = [];
  for (const event of events) {
    const before = result.at(-1) as (Loose & { text: string }) | undefined;
    const name = field[event.type as keyof typeof field] as string | undefined;
    const now = event as unknown as Loose & { text: string };
    if (name && before?.type === event.type && before[name] === now[name]) {
      const first_seq = before.first_seq ?? before.seq;
      result[result.length - 1] = {
        ...now,
        first_seq,
        text: before.text + now.text,
      } as unknown as LogEvent;
    } else {
      result.push(event);
    }
  }
  return result;
}

/** What is shown, without the times of frames, which folding forgets. */
function shown(transcript: Transcript) {
  return {
    ...transcript,
    blocks: transcript.blocks.map((block) => {
      const { at: _at, ...rest } = block;
      if (rest.kind === "message" || rest.kind === "thought") {
        const { until: _until, ...text } = rest;
        return text;
      }
      return rest;
    }),
  };
}

describe("texts", () => {
  it("puts the frames of a message together", () => {
    const result = fold(
      EMPTY,
      log(
        { type: "agent_message_chunk", message_id: "m", text: "Hello " },
        { type: "agent_message_chunk", message_id: "m", text: "there" },
      ),
    );
    expect(text(result, "m")).toBe("Hello there");
    expect(result.lastSeq).toBe(2);
  });

  it("keeps texts apart that stream at the same time", () => {
    const result = fold(
      EMPTY,
      log(
        { type: "agent_thought_chunk", message_id: "a", text: "1" },
        { type: "agent_message_chunk", message_id: "b", text: "2" },
        { type: "agent_thought_chunk", message_id: "a", text: "3" },
      ),
    );
    expect(text(result, "a")).toBe("13");
    expect(text(result, "b")).toBe("2");
  });

  it("takes a retracted text away, and shows what comes instead", () => {
    const result = fold(
      EMPTY,
      log(
        { type: "agent_message_chunk", message_id: "m", text: "brok" },
        { type: "message_retracted", message_id: "m" },
        { type: "agent_message_chunk", message_id: "n", text: "whole" },
      ),
    );
    expect(text(result, "m")).toBeUndefined();
    expect(text(result, "n")).toBe("whole");
  });

  it("marks a text complete when something follows it", () => {
    const result = fold(
      EMPTY,
      log(
        { type: "agent_message_chunk", message_id: "m", text: "x" },
        { type: "tool_call", tool_call_id: "t" },
      ),
    );
    expect(result.blocks[0]).toMatchObject({ kind: "message", complete: true });
  });
});

describe("resuming", () => {
  it("ignores what it has seen", () => {
    const events = longLog(300);
    const whole = fold(EMPTY, events);
    expect(fold(whole, events)).toBe(whole);
    expect(fold(fold(EMPTY, events.slice(0, 200)), events.slice(150))).toEqual(whole);
  });

  it("gives the same wherever the log is cut", () => {
    const events = longLog(400);
    const whole = fold(EMPTY, events);
    for (let cut = 0; cut <= events.length; cut += 7) {
      const resumed = fold(fold(EMPTY, events.slice(0, cut)), events.slice(cut));
      expect(resumed).toEqual(whole);
    }
  });

  it("gives the same from frames and from folded frames", () => {
    const events = longLog(2000);
    expect(shown(fold(EMPTY, folded(events)))).toEqual(shown(fold(EMPTY, events)));
  });

  it("goes on with frames where a folded page ended mid-stream", () => {
    const events = longLog(400);
    const whole = shown(fold(EMPTY, events));
    for (let cut = 1; cut < events.length; cut += 5) {
      const page = fold(EMPTY, folded(events.slice(0, cut)));
      expect(shown(fold(page, events.slice(cut)))).toEqual(whole);
    }
  });

  it("does not double a text that was folded after a part of it was read", () => {
    const events = longLog(400);
    const whole = shown(fold(EMPTY, events));
    for (let cut = 1; cut < events.length; cut += 5) {
      const part = fold(EMPTY, events.slice(0, cut));
      const rest = folded(events).filter((event) => event.seq > cut);
      expect(shown(fold(part, rest))).toEqual(whole);
    }
  });
});

describe("prompts", () => {
  const queued = (prompt_id: string) =>
    ({ type: "prompt_queued", prompt_id, text: prompt_id }) as const;

  it("shows the next one at once, and queues those behind it", () => {
    const result = fold(EMPTY, log(queued("a"), queued("b")));
    expect(kinds(result)).toEqual(["prompt"]);
    expect(result.queue.map((prompt) => prompt.promptId)).toEqual(["b"]);
  });

  it("moves a queued prompt to the end when its turn begins", () => {
    const result = fold(
      EMPTY,
      log(
        queued("a"),
        { type: "turn_started", turn_id: "a" },
        queued("b"),
        { type: "agent_message_chunk", message_id: "m", text: "x" },
        { type: "turn_ended", turn_id: "a", outcome: "done" },
        { type: "turn_started", turn_id: "b" },
      ),
    );
    expect(kinds(result)).toEqual(["prompt", "message", "turn_end", "prompt"]);
    expect(result.queue).toEqual([]);
    expect(result.turn?.id).toBe("b");
  });

  const running = [queued("a"), { type: "turn_started", turn_id: "a" } as const];
  const ids = (transcript: Transcript) => transcript.queue.map((prompt) => prompt.promptId);

  it("puts and moves prompts where the log says", () => {
    const result = fold(
      EMPTY,
      log(
        ...running,
        queued("b"),
        queued("c"),
        { ...queued("d"), when: "now", position: 0 },
        { type: "prompt_moved", prompt_id: "c", position: 1 },
        { type: "prompt_moved", prompt_id: "b", position: 0, when: "now" },
      ),
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
    const result = fold(EMPTY, log(...running, queued("b"), edit));
    expect(result.queue).toMatchObject([
      { text: "better", model: "m/x", attachments: [file], author: "Ada" },
    ]);
    expect(fold(EMPTY, log(queued("b"), edit)).blocks).toMatchObject([{ text: "better" }]);
  });

  it("shows whichever is next where nothing runs", () => {
    const first = fold(EMPTY, log(queued("a"), queued("b")));
    const swapped = fold(
      first,
      log(queued("a"), queued("b"), { type: "prompt_moved", prompt_id: "b", position: 0 }),
    );
    expect(swapped.blocks).toMatchObject([{ promptId: "b" }]);
    expect(ids(swapped)).toEqual(["a"]);
    const events = log(
      queued("a"),
      queued("b"),
      { type: "prompt_withdrawn", prompt_id: "a" },
      { type: "prompt_withdrawn", prompt_id: "b" },
    );
    expect(fold(EMPTY, events.slice(0, 3)).blocks).toMatchObject([{ promptId: "b" }]);
    expect(fold(EMPTY, events)).toMatchObject({ blocks: [], queue: [] });
  });

  it("has what was read within a turn where it was read, and ends it with the turn", () => {
    const events = log(
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
    const result = fold(EMPTY, log(queued("a"), queued("b"), withdrawn));
    expect(result.queue).toEqual([]);
  });

  it("leaves nothing running after a turn", () => {
    const result = fold(
      EMPTY,
      log(
        queued("a"),
        { type: "turn_started", turn_id: "a" },
        { type: "tool_call", tool_call_id: "t", status: "in_progress" },
        { type: "turn_ended", turn_id: "a", outcome: "stopped" },
      ),
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
  const result = fold(
    EMPTY,
    log(
      { type: "prompt_queued", prompt_id: "a", text: "x" },
      { type: "turn_started", turn_id: "a" },
      problem,
      { type: "turn_ended", turn_id: "a", outcome: "failed", message, code: "key" },
    ),
  );
  expect(result.blocks.at(-1)).toMatchObject({ kind: "turn_end", message: null });
});

describe("tools", () => {
  it("replaces what streamed by the final output", () => {
    const result = fold(
      EMPTY,
      log(
        { type: "tool_call", tool_call_id: "t", title: "make" },
        { type: "tool_output_chunk", tool_call_id: "t", text: "…" },
        {
          type: "tool_call_update",
          tool_call_id: "t",
          status: "failed",
          output: "no",
          exit_code: 2,
        },
        { type: "tool_output_chunk", tool_call_id: "t", text: "late" },
      ),
    );
    expect(result.blocks[0]).toMatchObject({ status: "failed", output: "no", exitCode: 2 });
  });

  it("knows where the whole of a long output is", () => {
    const whole_output = { blob: "ab", size: 2_000_000, lost: 0 };
    const result = fold(
      EMPTY,
      log(
        { type: "tool_call", tool_call_id: "t", title: "make" },
        {
          type: "tool_call_update",
          tool_call_id: "t",
          status: "completed",
          output: "a\n… 9 bytes left out …\nb",
          output_truncated: true,
          output_left_out: 9,
          whole_output,
        },
        { type: "tool_call_update", tool_call_id: "t", diff: "later" },
      ),
    );
    expect(result.blocks[0]).toMatchObject({ leftOut: 9, wholeOutput: whole_output });
  });

  it("keeps what an update does not name", () => {
    const result = fold(
      EMPTY,
      log(
        { type: "tool_call", tool_call_id: "t", title: "make", input: { command: "make" } },
        { type: "tool_call_update", tool_call_id: "t", status: "completed" },
      ),
    );
    expect(result.blocks[0]).toMatchObject({ title: "make", input: { command: "make" } });
  });
});

describe("what needs a person", () => {
  it("waits until it is answered", () => {
    const asked = log({
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
    const [resolved] = log({
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
    const result = fold(
      EMPTY,
      log(
        { type: "question_asked", request_id: "q", tool_call_id: null, questions: [] },
        { type: "question_resolved", request_id: "q", answers: null, by: "Ada" },
      ),
    );
    expect(result.pending).toEqual([]);
  });
});

describe("setting up", () => {
  const stage = (name: string, status: string) => ({ type: "stage", name, status }) as const;
  const state = (previous: string, next: string) =>
    ({ type: "state_changed", previous, state: next }) as const;

  it("gathers the stages of one set-up, and begins anew at a retry", () => {
    const result = fold(
      EMPTY,
      log(
        state("queued", "starting"),
        stage("container", "started"),
        stage("container", "done"),
        stage("clone", "started"),
        stage("clone", "failed"),
        {
          type: "error",
          code: "branch_not_found",
          message: "No",
          remedy: null,
          detail: null,
          suggestions: ["main"],
        },
        state("starting", "failed"),
        state("failed", "starting"),
        stage("clone", "started"),
        stage("clone", "done"),
        state("starting", "idle"),
      ),
    );
    expect(kinds(result)).toEqual(["setup", "problem", "setup"]);
    expect(result.blocks[0]).toMatchObject({
      open: false,
      stages: [{ status: "done" }, { status: "failed" }],
    });
    expect(result.blocks[2]).toMatchObject({
      open: false,
      stages: [{ name: "clone", status: "done" }],
    });
  });

  it("puts the end of a stage where it began, though the set-up is over", () => {
    const result = fold(
      EMPTY,
      log(
        stage("agent", "started"),
        stage("clone", "failed"),
        state("starting", "failed"),
        stage("agent", "done"),
      ),
    );
    expect(kinds(result)).toEqual(["setup"]);
  });

  it("tells going to sleep, waking up and being put away apart", () => {
    const result = fold(
      EMPTY,
      log(
        state("queued", "starting"),
        stage("container", "started"),
        stage("container", "done"),
        state("starting", "idle"),
        state("idle", "hibernating"),
        stage("stop", "started"),
        stage("stop", "done"),
        state("hibernating", "hibernated"),
        state("hibernated", "restoring"),
        stage("container", "started"),
        stage("container", "done"),
        stage("agent", "started"),
        stage("agent", "done"),
        state("restoring", "idle"),
        state("idle", "ended"),
        stage("snapshot", "started"),
        stage("snapshot", "done"),
      ),
    );
    expect(result.blocks).toMatchObject([
      { kind: "setup", purpose: "start", open: false },
      { kind: "setup", purpose: "sleep", open: false, stages: [{ name: "stop", status: "done" }] },
      { kind: "setup", purpose: "wake", open: false, stages: [{}, { name: "agent" }] },
      { kind: "setup", purpose: "keep", open: false, stages: [{ name: "snapshot" }] },
    ]);
  });

  it("begins anew where somebody comes back on the way to sleep", () => {
    const result = fold(
      EMPTY,
      log(
        state("idle", "hibernating"),
        stage("stop", "started"),
        state("hibernating", "restoring"),
        stage("container", "started"),
      ),
    );
    expect(result.blocks).toMatchObject([
      { purpose: "sleep", open: false },
      { purpose: "wake", open: true, stages: [{ name: "container" }] },
    ]);
  });
});

it("gathers repeats of a refused target", () => {
  const refused = {
    type: "egress_refused",
    host: "x.org",
    port: 443,
    protocol: "tcp",
    reason: "no",
    count: 2,
  } as const;
  const result = fold(EMPTY, log(refused, refused, { ...refused, host: "y.org" }, refused));
  expect(result.blocks.map((block) => block.kind === "refused" && block.count)).toEqual([4, 2, 2]);
  expect(result.refused.map((target) => target.count)).toEqual([6, 2]);
});

describe("10,000 events", () => {
  const events = longLog(10_000);

  it("fold as one page and as they stream, to the same", () => {
    const whole = fold(EMPTY, events);
    let streamed = EMPTY;
    for (let index = 0; index < events.length; index += 4) {
      streamed = fold(streamed, events.slice(index, index + 4));
    }
    expect(streamed).toEqual(whole);
    expect(whole.lastSeq).toBe(10_000);
  });

  it("leave what did not change as it was", () => {
    const before = fold(EMPTY, events.slice(0, -1));
    const after = fold(before, events.slice(-1));
    const changed = after.blocks.filter((block, index) => block !== before.blocks[index]);
    expect(changed.length).toBeLessThanOrEqual(2);
  });
});
