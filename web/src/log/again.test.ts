import { expect, it } from "vitest";
import type { Made } from "../../dev/steps";
import { transcriptOf } from "../../dev/transcript-of";
import { turnToRetry } from "./again";

const shown = (...events: Made[]) => turnToRetry(transcriptOf(...events));

const queued = (prompt_id: string): Made => ({ type: "prompt_queued", prompt_id, text: "go" });
const started = (turn_id: string): Made => ({ type: "turn_started", turn_id });
const ended = (turn_id: string, outcome: string): Made => ({
  type: "turn_ended",
  turn_id,
  outcome,
});

it("offers the last turn, where it failed or was stopped", () => {
  expect(shown(queued("a"), started("a"), ended("a", "failed"))).toBe("a");
  expect(shown(queued("a"), started("a"), ended("a", "stopped"))).toBe("a");
  expect(shown(queued("a"), started("a"), ended("a", "done"))).toBeNull();
  expect(shown(queued("a"), started("a"), ended("a", "paused"))).toBeNull();
  expect(shown(queued("a"))).toBeNull();
});

it("offers nothing once something else was said, or the same again", () => {
  const failed = [queued("a"), started("a"), ended("a", "failed")];
  expect(shown(...failed, queued("b"))).toBeNull();
  expect(shown(...failed, queued("b"), started("b"))).toBeNull();
  expect(shown(...failed, queued("b"), started("b"), ended("b", "failed"))).toBe("b");
  const notice: Made = { type: "notice", code: "agent_restarted", message: "It is back." };
  expect(shown(...failed, notice)).toBe("a");
});
