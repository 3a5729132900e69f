// @vitest-environment jsdom
import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { expect, it } from "vitest";
import type { LogEvent } from "@/api/types";
import { logPage } from "../../dev/log-pages";
import { API, drawRouter, refused, server } from "../../dev/page-in-jsdom";
import { beforeSessions, recorded } from "../../dev/session-in-jsdom";

let asked: string[] = [];
let streamed = false;

beforeSessions(() => import("./ShownRoute"), "/shared/nothing");

/** The page of a recorded session, as a public link shows it; gives what the stream says next. */
async function open(id: string, status = 200) {
  const { router } = await import("@/router");
  const { session, log } = recorded(id, { role: "viewer", author: "Ben" });
  const unknown = () => refused(401, "unauthorized", "You are not signed in.", null);
  let say: (event: LogEvent) => void = () => {};
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      const encoder = new TextEncoder();
      controller.enqueue(encoder.encode(": here\n\n"));
      say = (event) => controller.enqueue(encoder.encode(`data: ${JSON.stringify(event)}\n\n`));
    },
  });
  server.use(
    http.get(`${API}/sessions/${id}`, () =>
      status === 200 ? HttpResponse.json(session) : unknown(),
    ),
    http.get(`${API}/sessions/${id}/shared`, () =>
      status === 200 ? HttpResponse.json({ by: "Ada", until: "2099-01-01T00:00:00Z" }) : unknown(),
    ),
    http.get(`${API}/sessions/${id}/events`, ({ request }) => {
      if (status !== 200) return unknown();
      if (request.headers.get("accept") === "text/event-stream") {
        streamed = true;
        return new HttpResponse(stream, { headers: { "Content-Type": "text/event-stream" } });
      }
      return HttpResponse.json(logPage(log, new URL(request.url).searchParams));
    }),
    http.all(`${API}/*`, unknown),
  );
  asked = [];
  streamed = false;
  server.events.on("request:start", ({ request }) => {
    asked.push(`${request.method} ${new URL(request.url).pathname.replace("/api", "")}`);
  });
  drawRouter(router);
  await act(async () => router.history.push(`/shared/${id}`));
  return { session, last: log.at(-1), say: (event: LogEvent) => say(event) };
}

it("shows the transcript, who shares it, and nothing to write with", async () => {
  const { session, last, say } = await open("s-permission");
  expect(await screen.findByRole("heading", { level: 1, name: session.title })).toBeTruthy();
  expect(screen.getByTestId("shown").textContent).toContain("Shared by Ada");
  const transcript = await screen.findByTestId("transcript");
  const seq = last?.seq ?? 0;
  await waitFor(() => expect(transcript.getAttribute("data-last-seq")).toBe(String(seq)));
  for (const name of ["composer", "permission-once", "drive", "stop", "session-menu"]) {
    expect(screen.queryByTestId(name)).toBeNull();
  }
  expect(screen.queryByRole("textbox")).toBeNull();
  // What is added comes in a stream of its own.
  await waitFor(() => expect(streamed).toBe(true));
  const at = new Date().toISOString();
  say({
    type: "notice",
    seq: seq + 1,
    first_seq: null,
    at,
    code: "c",
    message: "Now.",
  } as LogEvent);
  await waitFor(() => expect(transcript.getAttribute("data-last-seq")).toBe(String(seq + 1)));
});

it("asks the hub for that session alone", async () => {
  const { session } = await open("s-working");
  await screen.findByRole("heading", { level: 1, name: session.title });
  await waitFor(() => expect(streamed).toBe(true));
  fireEvent.click(screen.getByRole("button", { name: "Changes" }));
  await waitFor(() => expect(asked).toContain("GET /sessions/s-working/changes"));
  // (`nothing` is where the test before went.)
  const others = asked.filter((each) => !/^GET \/sessions\/(s-working|nothing)\b/.test(each));
  expect(others).toEqual([]);
});

it("says so where the link shows nothing any more", async () => {
  await open("s-working", 401);
  await screen.findByRole("heading", { level: 1, name: "There is nothing to see here" });
  expect(screen.queryByTestId("shown")).toBeNull();
});
