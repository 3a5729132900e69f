import { expect, it } from "vitest";
import type { LogEvent } from "@/api/types";
import { turnToRetry } from "./again";
import { fold } from "./fold";
import { EMPTY } from "./model";

type Loose = { type: LogEvent["type"] } & Record<string, unknown>;

const shown = (...events: Loose[]) =>
  turnToRetry(
    fold(
      EMPTY,
      events.map((event, index) => ({
        seq: index + 1,
        first_seq: null,
        at: `2026-11-25T10:00:${String(index).padStart(2, "0")}.000Z`,
        ...(event.type === "prompt_queued" && { author: "Ada", kind: "prompt", attachments: [] }),
        ...(event.type === "turn_ended" && { message: null, code: null, ms: null, cost: null }),
        ...event,
      })) as unknown as LogEvent[],
    ),
  );

const queued = (prompt_id: string): Loose => ({ type: "prompt_queued", prompt_id, text: "go" });
const started = (turn_id: string): Loose => ({ type: "turn_started", turn_id, model: "m" });
const ended = (turn_id: string, outcome: string): Loose => ({
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
  const notice: Loose = { type: "notice", code: "agent_restarted", message: "It is back." };
  expect(shown(...failed, notice)).toBe("a");
});
