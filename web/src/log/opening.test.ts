// What the hub gives where a log is begun in the middle, as `tests/contract` holds the hub to it.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { LogEvent, Opening } from "@/api/types";
import { fold } from "./fold";
import { EMPTY, type Transcript } from "./model";
import { begin } from "./opening";

interface Log {
  events: LogEvent[];
  openings: Record<string, { events: (number | LogEvent)[]; usage: Opening["usage"] }>;
}

const file = new URL("../../../tests/contract/openings.json", import.meta.url);
const logs = JSON.parse(readFileSync(file, "utf8")) as Log[];

/** What headers, panes and the composer show, in a form in which it can be told apart. */
function head(transcript: Transcript) {
  const { blocks, queue, pending, refused, lastSeq: _, ...rest } = transcript;
  const waiting = blocks.filter((block) => block.kind === "prompt" && block.status === "queued");
  const targets = refused.map(({ host, port, protocol, count }) => [host, port, protocol, count]);
  return {
    ...rest,
    pending: pending.map((ask) => ask.request),
    // One that is read at once where it was said, and one whose place is not there, both wait.
    waiting: [...waiting, ...queue].map((block) => "promptId" in block && block.promptId).sort(),
    refused: targets.map(String).sort(),
  };
}

describe.each(logs.map((log, index) => ({ ...log, index })))("log $index", (log) => {
  const whole = fold(EMPTY, log.events);
  const bySeq = new Map(log.events.map((event) => [event.seq, event]));

  const cases = Object.entries(log.openings).map(([place, { events, usage }]) => ({
    place: Number(place),
    opening: {
      events: events.map((event) => (typeof event === "number" ? bySeq.get(event) : event)),
      usage,
    } as Opening,
  }));

  it("has an opening for each place", () => {
    expect(cases.length).toBe(log.events.length - 1);
  });

  it.each(cases)("$place stands where the events before it lead", ({ place, opening }) => {
    const before = fold(
      EMPTY,
      log.events.filter((event) => event.seq < place),
    );
    expect(head(begin(opening))).toEqual(head(before));
  });

  it.each(cases)("$place goes on to the same end", ({ place, opening }) => {
    const rest = log.events.filter((event) => event.seq >= place);
    const suffix = fold(begin(opening), rest);
    expect(suffix.lastSeq).toBe(whole.lastSeq);
    expect(head(suffix)).toEqual(head(whole));
    // Every row that begins behind the place is there, in its order.
    const keys = suffix.blocks.map((block) => block.key);
    const began = new Set(
      rest.map((event) => ("tool_call_id" in event ? "" : `${event.type}:${event.seq}`)),
    );
    const due = whole.blocks.map((block) => block.key).filter((key) => began.has(key));
    expect(keys.filter((key) => due.includes(key))).toEqual(due);
  });

  it("has few events in its openings, however long it is", () => {
    for (const { opening } of cases) expect(opening.events.length).toBeLessThan(25);
  });
});
