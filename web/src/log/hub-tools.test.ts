import { expect, it } from "vitest";
import { logOf, type Made } from "../../dev/steps";
import { fold } from "./fold";
import { EMPTY } from "./model";

const picture = { blob: "a".repeat(64), mime: "image/png", size: 9, width: 4, height: 3 };
const card = (id: string, tool = "bunkhouse_post_screenshot"): Made => ({
  type: "tool_call",
  tool_call_id: id,
  tool,
  kind: "other",
});
const word: Made = { type: "hub_tool_called", tool: "post_screenshot", picture };

function blocks(...events: Made[]) {
  return fold(EMPTY, logOf(...events)).blocks;
}

it.each([
  ["after its card", [card("t1"), word]],
  ["before its card", [word, card("t1")]],
])("says with the agent's card what the hub says %s", (_, events) => {
  const shown = blocks(...events);
  expect(shown).toHaveLength(1);
  expect(shown[0]).toMatchObject({ kind: "tool", id: "t1", by: "Ada", pictures: [picture] });
});

it("gives each call its own word, and none to other tools", () => {
  const start = { type: "hub_tool_called", tool: "start_session" } as const;
  const shown = blocks(
    card("t1", "bunkhouse_start_session"),
    card("t2", "bunkhouse_start_session"),
    card("t3", "start_session"),
    { ...start, by: "Ada" },
    { ...start, by: "Bob" },
  );
  expect(shown.map((block) => block.kind === "tool" && block.by)).toEqual(["Ada", "Bob", null]);
});

it("stands by itself where the call was not the agent's, and never in another turn's card", () => {
  const shown = blocks(
    card("t1"),
    { type: "turn_ended", turn_id: "p1", outcome: "done" },
    { ...word, by: null, outcome: "refused", code: "no_turn" },
  );
  expect(shown.map(({ kind }) => kind)).toEqual(["tool", "turn_end", "hub_tool"]);
});

it("comes to the same in whatever pieces it is read", () => {
  const events = logOf(card("t1"), word, card("t2"), word);
  const once = fold(EMPTY, events);
  expect(events.reduce((before, event) => fold(before, [event]), EMPTY)).toEqual(once);
});

it("shows a child where it was started", () => {
  const child = { session_id: "c1", title: "Door", by: "Ada" };
  expect(blocks({ type: "child_started", ...child })).toMatchObject([
    { kind: "child", sessionId: "c1", title: "Door", by: "Ada" },
  ]);
});
