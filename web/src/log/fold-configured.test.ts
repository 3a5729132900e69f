import { expect, it } from "vitest";
import { logOf } from "../../dev/steps";
import { fold } from "./fold";
import { EMPTY } from "./model";

const stage = (name: string, status: string) => ({ type: "stage", name, status }) as const;
const state = (previous: string, next: string) =>
  ({ type: "state_changed", previous, state: next }) as const;

it("has set-up commands in the set-up, with what they print below it", () => {
  const result = fold(
    EMPTY,
    logOf(
      state("queued", "starting"),
      stage("clone", "done"),
      stage("commands", "started"),
      { type: "tool_call", tool_call_id: "setup_1", tool: "setup", kind: "execute", title: "make" },
      stage("commands", "progress"),
      { type: "tool_call_update", tool_call_id: "setup_1", status: "completed", output: "made" },
      stage("agent", "done"),
      stage("commands", "done"),
      state("starting", "idle"),
    ),
  );
  expect(result.blocks.map((block) => block.kind)).toEqual(["setup", "tool"]);
  expect(result.blocks[0]).toMatchObject({
    purpose: "start",
    open: false,
    stages: [{ name: "clone" }, { name: "commands", status: "done" }, { name: "agent" }],
  });
  expect(result.blocks[1]).toMatchObject({ status: "completed", output: "made" });
});

it("has a run that a person asked for by itself, and ends it with its stage", () => {
  for (const ended of ["done", "failed"]) {
    const result = fold(
      EMPTY,
      logOf(
        state("queued", "starting"),
        stage("commands", "failed"),
        state("starting", "idle"),
        stage("commands", "started"),
        stage("commands", "progress"),
        stage("commands", ended),
      ),
    );
    expect(result.blocks).toMatchObject([
      { kind: "setup", purpose: "start", open: false },
      { kind: "setup", purpose: "again", open: false, stages: [{ status: ended }] },
    ]);
  }
});

it("tells what the repository is set up with", () => {
  const told = { type: "repository_configured", file: "read", commands: ["make"] } as const;
  const result = fold(EMPTY, logOf(told));
  expect(result.blocks).toMatchObject([{ kind: "configured", event: { commands: ["make"] } }]);
});
