// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Refusal, Unreachable } from "./client";
import { Once } from "./once";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Sends that fail as often as is said, then answer; and the keys that they were given. */
function hub(failures: number, error: () => Error = () => new Unreachable()) {
  const keys: (string | undefined)[] = [];
  return {
    keys,
    send: async (headers: Record<string, string>) => {
      keys.push(headers["Idempotency-Key"]);
      if (keys.length <= failures) throw error();
      return "done";
    },
  };
}

it("sends again under the same key while the hub is away", async () => {
  const { keys, send } = hub(2);
  const answer = new Once().send({ a: 1 }, send);
  await vi.runAllTimersAsync();
  expect(await answer).toBe("done");
  expect(keys).toHaveLength(3);
  expect(new Set(keys).size).toBe(1);
});

it("keeps the key for who tries again by hand, and for nobody else", async () => {
  const once = new Once();
  const { keys, send } = hub(8);
  for (const asked of ["x", "x", "y"]) {
    const answer = once.send(asked, send).catch((error: unknown) => error);
    await vi.runAllTimersAsync();
    await answer;
  }
  expect(keys).toHaveLength(9);
  expect(new Set(keys.slice(0, 8)).size).toBe(1);
  expect(keys[8]).not.toBe(keys[0]);
});

it("takes a new key for what is asked anew, and does not repeat what was refused", async () => {
  const once = new Once();
  const { keys, send } = hub(1, () => new Refusal(422, "invalid_input", "No.", null));
  await expect(once.send("x", send)).rejects.toThrow("No.");
  await once.send("x", send);
  await once.send("x", send);
  expect(new Set(keys).size).toBe(3);
});
