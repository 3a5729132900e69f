// @vitest-environment jsdom
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { HUB } from "@/api/client";
import type { LogEvent } from "@/api/types";
import { folded, logPage } from "../../dev/log-pages";
import { busy } from "../../dev/recordings";
import { logOf, type Made } from "../../dev/steps";
import { fold } from "./fold";
import { EMPTY, type Transcript } from "./model";
import { SessionLog } from "./session-log";

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const words = "the quick brown fox jumps over the lazy dog again and again".split(" ");

/** A message that streams, a word an event. */
const spoken = logOf(
  ...words.map(
    (word): Made => ({ type: "agent_message_chunk", message_id: "m", text: `${word} ` }),
  ),
);

const WHOLE = spoken.map((event) => "text" in event && event.text).join("");

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

/** Without when the last frame of each text came, which a folded run does not say. */
function untimed(transcript: Transcript): Transcript {
  const blocks = transcript.blocks.map((block) =>
    "until" in block ? { ...block, until: "" } : block,
  );
  return { ...transcript, blocks };
}

const upTo =
  (seq = 0) =>
  (event: LogEvent): boolean =>
    event.seq <= seq;

interface Hub {
  /** Where each stream began. */
  streams: number[];
  /** The query of each page. */
  pages: string[];
}

/** A hub whose pages hold what happened before `there`, and whose streams end after `burst` events. */
function hub(events: readonly LogEvent[], { there, burst }: { there: number; burst: number }): Hub {
  const asked: Hub = { streams: [], pages: [] };
  let known = there;
  server.use(
    http.get(`${HUB}/api/sessions/s/events`, ({ request }) => {
      const { search, searchParams } = new URL(request.url);
      asked.pages.push(search);
      return HttpResponse.json(logPage(events.slice(0, known), searchParams));
    }),
    http.get(`${HUB}/api/events`, ({ request }) => {
      const query = new URL(request.url).searchParams;
      let body = `event: ready\ndata: {"you":"me"}\n\n`;
      if (query.get("session") === "s") {
        const after = Number(query.get("after"));
        asked.streams.push(after);
        // One event that the reader has already, as a hub that is careful to lose nothing may send.
        const from = Math.max(0, after - 1);
        known = Math.max(known, Math.min(events.length, after + burst));
        const items = [...events.slice(from, after), ...folded(events.slice(after, known))];
        body += `event: log\ndata: ${JSON.stringify({ session_id: "s", items })}\n\n`;
      }
      return new HttpResponse(body, { headers: { "Content-Type": "text/event-stream" } });
    }),
  );
  return asked;
}

/** A recording, as the hub would have it. */
function recorded(name: string): LogEvent[] {
  const recording = busy().find(({ session }) => session.id === name);
  if (!recording) throw new Error(`There is no recording ${name}.`);
  return logOf(...[...recording.past, ...recording.live].map(([, event]) => event));
}

it("opens with one page where that is all there is", async () => {
  const asked = hub(spoken, { there: spoken.length, burst: 0 });
  const log = new SessionLog("s");
  await until(log, () => log.snapshot().loaded);
  expect(textOf(log.snapshot().transcript)).toBe(WHOLE);
  expect(log.snapshot().earlier).toBe("none");
  expect(asked.pages).toEqual(["?tail=400&folded=true"]);
});

it("has neither a gap nor a repeat, however often the stream breaks off", async () => {
  const asked = hub(spoken, { there: 2, burst: 4 });
  const log = new SessionLog("s");
  await until(log, () => log.snapshot().transcript.lastSeq === spoken.length);
  expect(textOf(log.snapshot().transcript)).toBe(WHOLE);
  expect(asked.streams.length).toBeGreaterThan(2);
});

it("goes on where it was when it is listened to again", async () => {
  const asked = hub(spoken, { there: 5, burst: 3 });
  const log = new SessionLog("s");
  await until(log, () => log.snapshot().transcript.lastSeq >= 8);
  await until(log, () => log.snapshot().transcript.lastSeq === spoken.length);
  expect(textOf(log.snapshot().transcript)).toBe(WHOLE);
  expect(asked.pages).toHaveLength(1);
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
  await until(log, () => log.snapshot().error !== null);
  expect(log.snapshot().error?.message).toBe("No such session.");
});

describe("a long session", () => {
  const long = recorded("s-long");
  const whole = fold(EMPTY, folded(long));

  it("opens at its end, in one page, knowing how it stands", async () => {
    const asked = hub(long, { there: long.length, burst: 0 });
    const log = new SessionLog("s");
    await until(log, () => log.snapshot().loaded);
    const { transcript, from, earlier } = log.snapshot();
    expect(asked.pages).toHaveLength(1);
    expect(from).toBeGreaterThan(1);
    expect(earlier).toBe("some");
    const { blocks, lastSeq, ...head } = transcript;
    expect({ ...head, lastSeq }).toEqual({ ...whole, blocks: undefined });
    // Its blocks are the last of all of them; behind the one prompt that was told before.
    const [prompt, ...rest] = blocks;
    expect(prompt?.kind).toBe("prompt");
    expect(rest.slice(2)).toEqual(whole.blocks.slice(-(rest.length - 2)));
  });

  it("is the same as read from the start once all older pages are there", async () => {
    hub(long, { there: long.length, burst: 0 });
    const log = new SessionLog("s");
    await until(log, () => log.snapshot().loaded);
    const places = [log.snapshot().from];
    while (log.snapshot().earlier === "some") {
      await log.older();
      places.push(log.snapshot().from);
    }
    expect(places.length).toBeGreaterThan(1);
    expect(places.at(-1)).toBe(1);
    expect(log.snapshot().transcript).toEqual(whole);
  });

  it("goes on while older pages come", async () => {
    const asked = hub(long, { there: long.length - 300, burst: 50 });
    const log = new SessionLog("s");
    await until(log, () => log.snapshot().loaded);
    const all = (async () => {
      while (log.snapshot().earlier !== "none") await log.older();
    })();
    await until(log, () => log.snapshot().transcript.lastSeq === long.length);
    await all;
    expect(asked.streams.length).toBeGreaterThan(3);
    expect(untimed(log.snapshot().transcript)).toEqual(untimed(whole));
    expect(log.snapshot().earlier).toBe("none");
  });

  it("says when an older page can't be had, and has it later", async () => {
    hub(long, { there: long.length, burst: 0 });
    const log = new SessionLog("s");
    await until(log, () => log.snapshot().loaded);
    const before = log.snapshot().transcript;
    server.use(
      http.get(`${HUB}/api/sessions/s/events`, () => HttpResponse.json({}, { status: 500 }), {
        once: true,
      }),
    );
    await log.older();
    expect(log.snapshot().earlier).toBe("failed");
    expect(log.snapshot().transcript).toBe(before);
    while (log.snapshot().earlier !== "none") await log.older();
    expect(log.snapshot().transcript).toEqual(whole);
  });

  it("begins with one page, and is whole where what follows meets the end", async () => {
    const asked = hub(long, { there: long.length - 300, burst: 50 });
    const log = new SessionLog("s");
    await until(log, () => log.snapshot().loaded);
    asked.pages.length = 0;
    const { from } = log.snapshot();
    expect(await log.start()).toBe(true);
    expect(await log.start()).toBe(true);
    expect(asked.pages).toEqual(["?after=0&limit=400&folded=true"]);
    expect(log.snapshot()).toMatchObject({ from, earlier: "some", later: "some" });
    while (log.snapshot().beginning) {
      const { beginning } = log.snapshot();
      expect(beginning).toEqual(fold(EMPTY, folded(long).filter(upTo(beginning?.lastSeq))));
      await log.further();
    }
    expect(asked.pages.length).toBeGreaterThan(2);
    expect(log.snapshot()).toMatchObject({ from: 1, earlier: "none", later: "none" });
    await until(log, () => log.snapshot().transcript.lastSeq === long.length);
    expect(untimed(log.snapshot().transcript)).toEqual(untimed(whole));
  });

  it("is whole, too, where older pages come to what was read from the beginning", async () => {
    hub(long, { there: long.length, burst: 0 });
    const log = new SessionLog("s");
    await until(log, () => log.snapshot().loaded);
    await log.start();
    await log.further();
    expect(log.snapshot().beginning).not.toBeNull();
    while (log.snapshot().earlier === "some") await log.older();
    expect(log.snapshot()).toMatchObject({ from: 1, earlier: "none", beginning: null });
    expect(log.snapshot().transcript).toEqual(whole);
  });

  it("is whole where it is read from both sides at once", async () => {
    hub(long, { there: long.length - 300, burst: 50 });
    const log = new SessionLog("s");
    await until(log, () => log.snapshot().loaded);
    while (log.snapshot().from > 1) await Promise.all([log.older(), log.start(), log.further()]);
    expect(log.snapshot()).toMatchObject({ earlier: "none", later: "none", beginning: null });
    await until(log, () => log.snapshot().transcript.lastSeq === long.length);
    expect(untimed(log.snapshot().transcript)).toEqual(untimed(whole));
  });

  it("says when its beginning can't be had, and has it later", async () => {
    hub(long, { there: long.length, burst: 0 });
    const log = new SessionLog("s");
    await until(log, () => log.snapshot().loaded);
    server.use(
      http.get(`${HUB}/api/sessions/s/events`, () => HttpResponse.json({}, { status: 500 }), {
        once: true,
      }),
    );
    expect(await log.start()).toBe(false);
    expect(log.snapshot()).toMatchObject({ later: "failed", beginning: null, earlier: "some" });
    expect(await log.start()).toBe(true);
    expect(log.snapshot().later).toBe("some");
  });
});
