// @vitest-environment jsdom
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { HUB } from "@/api/client";
import type { LogEvent } from "@/api/types";
import type { Transcript } from "./model";
import { SessionLog } from "./session-log";

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const words = "the quick brown fox jumps over the lazy dog again and again".split(" ");

/** A message that streams, a word an event. */
const events = words.map((word, index) => ({
  seq: index + 1,
  first_seq: null,
  at: "2026-11-23T10:00:00Z",
  type: "agent_message_chunk",
  message_id: "m",
  text: `${word} `,
})) as LogEvent[];

const WHOLE = events.map((event) => "text" in event && event.text).join("");

function textOf(transcript: Transcript): string {
  const [block] = transcript.blocks;
  return block?.kind === "message" ? block.text : "";
}

/** Wait until the log says so. */
function until(log: SessionLog, test: (log: SessionLog) => boolean): Promise<void> {
  return new Promise((resolve) => {
    let leave = () => {};
    const look = () => {
      if (!test(log)) return;
      resolve();
      queueMicrotask(() => leave());
    };
    leave = log.subscribe(look);
    look();
  });
}

/** A hub whose pages hold what happened before `there`, and whose streams end after `burst` events. */
function hub({ there, burst }: { there: number; burst: number }): number[] {
  const asked: number[] = [];
  let known = there;
  server.use(
    http.get(`${HUB}/api/sessions/s/events`, ({ request }) => {
      const after = Number(new URL(request.url).searchParams.get("after"));
      if (request.headers.get("accept") === "application/json") {
        const items = events.slice(after, Math.min(known, after + 3));
        const last = after + items.length;
        return HttpResponse.json({ items, next: last < known && items.length > 0 ? last : null });
      }
      asked.push(after);
      // One event that the reader has already, as a hub that is careful to lose nothing may send.
      const from = Math.max(0, after - 1);
      known = Math.min(events.length, after + burst);
      const body = events
        .slice(from, known)
        .map(
          (event) => `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
        )
        .join("");
      return new HttpResponse(body, { headers: { "Content-Type": "text/event-stream" } });
    }),
  );
  return asked;
}

it("reads what there is page by page", async () => {
  hub({ there: events.length, burst: 0 });
  const log = new SessionLog("s");
  await until(log, () => log.snapshot().loaded);
  expect(textOf(log.snapshot().transcript)).toBe(WHOLE);
});

it("has neither a gap nor a repeat, however often the stream breaks off", async () => {
  const asked = hub({ there: 2, burst: 4 });
  const log = new SessionLog("s");
  await until(log, () => log.snapshot().transcript.lastSeq === events.length);
  expect(textOf(log.snapshot().transcript)).toBe(WHOLE);
  expect(asked.length).toBeGreaterThan(2);
});

it("goes on where it was when it is listened to again", async () => {
  hub({ there: 5, burst: 3 });
  const log = new SessionLog("s");
  await until(log, () => log.snapshot().transcript.lastSeq >= 8);
  await until(log, () => log.snapshot().transcript.lastSeq === events.length);
  expect(textOf(log.snapshot().transcript)).toBe(WHOLE);
});

it("ends where the session is not there", async () => {
  const problem = {
    status: 404,
    title: "Not found",
    detail: "No such session.",
    code: "not_found",
  };
  server.use(
    http.get(`${HUB}/api/sessions/s/events`, () => HttpResponse.json(problem, { status: 404 })),
  );
  const log = new SessionLog("s");
  await until(log, () => log.snapshot().link === "ended");
  expect(log.snapshot().error?.message).toBe("No such session.");
});
