import { describe, expect, it } from "vitest";
import { transcriptOf } from "../../dev/transcript-of";

describe("setting up", () => {
  const stage = (name: string, status: string) => ({ type: "stage", name, status }) as const;
  const state = (previous: string, next: string) =>
    ({ type: "state_changed", previous, state: next }) as const;

  it("gathers the stages of one set-up, and begins anew at a retry", () => {
    const result = transcriptOf(
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
    );
    expect(result.blocks.map((block) => block.kind)).toEqual(["setup", "problem", "setup"]);
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
    const result = transcriptOf(
      stage("agent", "started"),
      stage("clone", "failed"),
      state("starting", "failed"),
      stage("agent", "done"),
    );
    expect(result.blocks.map((block) => block.kind)).toEqual(["setup"]);
  });

  it("tells going to sleep, waking up and being put away apart", () => {
    const result = transcriptOf(
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
    );
    expect(result.blocks).toMatchObject([
      { kind: "setup", purpose: "start", open: false },
      { kind: "setup", purpose: "sleep", open: false, stages: [{ name: "stop", status: "done" }] },
      { kind: "setup", purpose: "wake", open: false, stages: [{}, { name: "agent" }] },
      { kind: "setup", purpose: "keep", open: false, stages: [{ name: "snapshot" }] },
    ]);
  });

  it("begins anew where somebody comes back on the way to sleep", () => {
    const result = transcriptOf(
      state("idle", "hibernating"),
      stage("stop", "started"),
      state("hibernating", "restoring"),
      stage("container", "started"),
    );
    expect(result.blocks).toMatchObject([
      { purpose: "sleep", open: false },
      { purpose: "wake", open: true, stages: [{ name: "container" }] },
    ]);
  });
});
