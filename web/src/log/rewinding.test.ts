import { describe, expect, it } from "vitest";
import type { LogEvent } from "@/api/types";
import { logOf, type Made } from "../../dev/steps";
import { transcriptOf } from "../../dev/transcript-of";
import { fold } from "./fold";
import { EMPTY, type Transcript } from "./model";

const prompt = (id: string): Made => ({ type: "prompt_queued", prompt_id: id, text: id });
const answer = (id: string): Made[] => [
  { type: "turn_started", turn_id: id },
  { type: "agent_message_chunk", message_id: `m-${id}`, text: `to ${id}` },
  { type: "turn_ended", turn_id: id, outcome: "done", ms: 1 },
];
const turn = (id: string): Made[] => [prompt(id), ...answer(id)];
const back = (id: string, from: number): Made => ({
  type: "session_rewound",
  prompt_id: id,
  undone_from: from,
  by: "Bob",
});
const ask = (id: string | null): Made => ({ type: "rewind_requested", prompt_id: id, by: "Bob" });
const forward: Made = { type: "session_rewound", prompt_id: null, undone_from: null, by: "Bob" };

/** Prompts, each with whether it counts. */
const prompts = ({ blocks }: Transcript) =>
  blocks.flatMap((block) =>
    block.kind === "prompt" ? [[block.promptId, block.undone ?? "counts"]] : [],
  );
const said = (...events: Made[]) => transcriptOf(...events);

describe("a rewound session", () => {
  it("marks what is undone, and nothing before it", () => {
    const transcript = said(...turn("a"), ...turn("b"), ask("b"), back("b", 5));
    expect(prompts(transcript)).toEqual([
      ["a", "counts"],
      ["b", "for now"],
    ]);
    expect(transcript.blocks.filter((block) => block.undone).length).toBe(3);
    expect(transcript.blocks.at(-1)?.kind).toBe("rewound");
    expect(transcript.rewind).toMatchObject({ state: "rewound", promptId: "b", by: "Bob" });
  });

  it("goes further back, and forward to where it was", () => {
    const far = [...turn("a"), ...turn("b"), back("b", 5), back("a", 1)];
    expect(prompts(said(...far)).map(([, mark]) => mark)).toEqual(["for now", "for now"]);
    const whole = said(...far, forward);
    expect(prompts(whole).map(([, mark]) => mark)).toEqual(["counts", "counts"]);
    expect(whole.rewind).toBeNull();
    expect(whole.blocks.some((block) => block.kind === "rewound")).toBe(false);
  });

  it("takes the plan of what is undone along, and brings it back", () => {
    const plan: Made = { type: "plan", entries: [{ content: "x", status: "pending" }] };
    const start = [...turn("a"), ...turn("b").toSpliced(2, 0, plan), ask("b"), back("b", 5)];
    expect(said(...start).plan).toEqual([]);
    expect(said(...start, ask("a"), back("a", 1), ask(null), forward).plan.length).toBe(1);
    const earlier = [...turn("a").toSpliced(2, 0, plan), ...turn("b"), back("b", 6)];
    expect(said(...earlier).plan.length).toBe(1);
  });

  it("stays so for good when something new is said", () => {
    const transcript = said(...turn("a"), back("a", 1), ...turn("b"), ...turn("c"), back("c", 10));
    expect(prompts(transcript)).toEqual([
      ["a", "for good"],
      ["b", "counts"],
      ["c", "for now"],
    ]);
    const again = fold(transcript, [{ ...logOf(forward)[0], seq: 15 } as LogEvent]);
    expect(prompts(again)[0]).toEqual(["a", "for good"]);
    expect(prompts(again)[2]).toEqual(["c", "counts"]);
  });

  it("is as it was before where it can not be done", () => {
    const start = [...turn("a"), ...turn("b"), back("b", 5), ask("a")];
    expect(said(...start).rewind).toMatchObject({ state: "requested", promptId: "a" });
    expect(said(...start, { type: "rewind_failed" }).rewind).toMatchObject({
      state: "rewound",
      promptId: "b",
    });
  });

  it("undoes no more than its own turn of a prompt that had waited", () => {
    const [started, ...rest] = answer("a");
    const events = [prompt("a"), started as Made, prompt("b"), ...rest, ...answer("b")];
    expect(prompts(said(...events, back("b", 6)))).toEqual([
      ["a", "counts"],
      ["b", "for now"],
    ]);
  });

  it("comes to the same in parts and as a whole", () => {
    const events = logOf(...turn("a"), ask("a"), back("a", 1), forward, back("a", 1), ...turn("b"));
    const whole = fold(EMPTY, events);
    for (let cut = 0; cut <= events.length; cut++) {
      expect(fold(fold(EMPTY, events.slice(0, cut)), events.slice(cut))).toEqual(whole);
    }
  });
});

it("a copy says of what it is one, and has no way forward", () => {
  const forked = {
    type: "session_forked",
    session_id: "s",
    title: "T",
    prompt_id: null,
    by: "Bob",
  };
  const transcript = said(...turn("a"), back("a", 1), forked as Made);
  expect(transcript.rewind).toBeNull();
  expect(prompts(transcript)).toEqual([["a", "for good"]]);
  expect(transcript.blocks.at(-1)).toMatchObject({ kind: "forked", sessionId: "s", title: "T" });
});
