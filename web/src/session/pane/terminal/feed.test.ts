import { expect, it, vi } from "vitest";
import { Feed } from "./feed";

function sink() {
  const written: Uint8Array[] = [];
  const done: (() => void)[] = [];
  return {
    written,
    done,
    write(data: Uint8Array, callback: () => void) {
      written.push(data);
      done.push(callback);
    },
  };
}

it("gives one piece at a time, in order and whole", () => {
  const to = sink();
  const feed = new Feed(to, () => {});
  const data = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251);
  feed.add(data);
  expect(to.written).toHaveLength(1);
  while (to.done.length > 0) to.done.shift()?.();
  expect(to.written.every((piece) => piece.length <= 64 * 1024)).toBe(true);
  expect(Buffer.concat(to.written).equals(Buffer.from(data))).toBe(true);
});

it("gives up what waits when it is too much, once", () => {
  const to = sink();
  const full = vi.fn();
  const feed = new Feed(to, full, 1000);
  feed.add(new Uint8Array(800));
  feed.add(new Uint8Array(800));
  feed.add(new Uint8Array(800));
  expect(full).toHaveBeenCalledTimes(1);
  to.done.shift()?.();
  expect(to.written).toHaveLength(1);
});

it("has room again for what was written", () => {
  const to = sink();
  const full = vi.fn();
  const feed = new Feed(to, full, 1000);
  for (let index = 0; index < 10; index++) {
    feed.add(new Uint8Array(800));
    to.done.shift()?.();
  }
  expect(full).not.toHaveBeenCalled();
});
