// @vitest-environment jsdom
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import {
  act,
  cleanup,
  configure,
  fireEvent,
  render,
  screen,
  waitFor,
} from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import type { LogEvent, Session } from "@/api/types";
import { logPage } from "../../dev/log-pages";
import { busy } from "../../dev/recordings";
import { logOf } from "../../dev/steps";

const server = setupServer();
const API = `${location.origin}/api`;
const SLOW_MS = 30_000;
configure({ asyncUtilTimeout: 5_000 });
vi.setConfig({ testTimeout: SLOW_MS });
let asked: string[] = [];
let streamed = false;

beforeAll(async () => {
  // What jsdom has not.
  vi.stubGlobal("scrollTo", () => {});
  vi.stubGlobal("matchMedia", (query: string) => ({
    matches: query.includes("min-width"),
    addEventListener() {},
    removeEventListener() {},
  }));
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
  server.listen({ onUnhandledRequest: "bypass" });
  await import("./ShownRoute");
}, SLOW_MS);
afterEach(async () => {
  const { router } = await import("@/router");
  await act(async () => router.history.push("/shared/nothing"));
  cleanup();
  server.resetHandlers();
  server.events.removeAllListeners();
});
afterAll(() => server.close());

/** The page of a recorded session, as a public link shows it; gives what the stream says next. */
async function open(id: string, status = 200) {
  const { queryClient } = await import("@/api/queries");
  const { router } = await import("@/router");
  const recorded = busy().find(({ session }) => session.id === id);
  if (!recorded) throw new Error(`There is no recording ${id}.`);
  const session: Session = { ...recorded.session, role: "viewer", author: "Ben" };
  const log = logOf(...recorded.past.map(([, event]) => event));
  const refused = () =>
    HttpResponse.json(
      { status: 401, title: "No", code: "unauthorized", detail: "You are not signed in." },
      { status: 401 },
    );
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
      status === 200 ? HttpResponse.json(session) : refused(),
    ),
    http.get(`${API}/sessions/${id}/shared`, () =>
      status === 200 ? HttpResponse.json({ by: "Ada", until: "2099-01-01T00:00:00Z" }) : refused(),
    ),
    http.get(`${API}/sessions/${id}/events`, ({ request }) => {
      if (status !== 200) return refused();
      if (request.headers.get("accept") === "text/event-stream") {
        streamed = true;
        return new HttpResponse(stream, { headers: { "Content-Type": "text/event-stream" } });
      }
      return HttpResponse.json(logPage(log, new URL(request.url).searchParams));
    }),
    http.all(`${API}/*`, refused),
  );
  asked = [];
  streamed = false;
  server.events.on("request:start", ({ request }) => {
    asked.push(`${request.method} ${new URL(request.url).pathname.replace("/api", "")}`);
  });
  queryClient.clear();
  render(
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
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
