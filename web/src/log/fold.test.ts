import { describe, expect, it } from "vitest";
import type { LogEvent } from "@/api/types";
import { folded } from "../../dev/log-pages";
import { logOf, type Made } from "../../dev/steps";
import { transcriptOf } from "../../dev/transcript-of";
import { fold } from "./fold";
import { EMPTY, type Transcript } from "./model";

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
  const events: Made[] = [];
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
  return logOf(...events).slice(0, length);
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
    const result = transcriptOf(
      { type: "agent_message_chunk", message_id: "m", text: "Hello " },
      { type: "agent_message_chunk", message_id: "m", text: "there" },
    );
    expect(text(result, "m")).toBe("Hello there");
    expect(result.lastSeq).toBe(2);
  });

  it("keeps texts apart that stream at the same time", () => {
    const result = transcriptOf(
      { type: "agent_thought_chunk", message_id: "a", text: "1" },
      { type: "agent_message_chunk", message_id: "b", text: "2" },
      { type: "agent_thought_chunk", message_id: "a", text: "3" },
    );
    expect(text(result, "a")).toBe("13");
    expect(text(result, "b")).toBe("2");
  });

  it("takes a retracted text away, and shows what comes instead", () => {
    const result = transcriptOf(
      { type: "agent_message_chunk", message_id: "m", text: "brok" },
      { type: "message_retracted", message_id: "m" },
      { type: "agent_message_chunk", message_id: "n", text: "whole" },
    );
    expect(text(result, "m")).toBeUndefined();
    expect(text(result, "n")).toBe("whole");
  });

  it("marks a text complete when something follows it", () => {
    const result = transcriptOf(
      { type: "agent_message_chunk", message_id: "m", text: "x" },
      { type: "tool_call", tool_call_id: "t" },
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

describe("tools", () => {
  it("replaces what streamed by the final output", () => {
    const result = transcriptOf(
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
    );
    expect(result.blocks[0]).toMatchObject({ status: "failed", output: "no", exitCode: 2 });
  });

  it("knows where the whole of a long output is", () => {
    const whole_output = { blob: "ab", size: 2_000_000, lost: 0 };
    const result = transcriptOf(
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
    );
    expect(result.blocks[0]).toMatchObject({ leftOut: 9, wholeOutput: whole_output });
  });

  it("keeps what an update does not name", () => {
    const result = transcriptOf(
      { type: "tool_call", tool_call_id: "t", title: "make", input: { command: "make" } },
      { type: "tool_call_update", tool_call_id: "t", status: "completed" },
    );
    expect(result.blocks[0]).toMatchObject({ title: "make", input: { command: "make" } });
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
  const result = transcriptOf(refused, refused, { ...refused, host: "y.org" }, refused);
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
