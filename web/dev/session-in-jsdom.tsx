/** For tests of a session's page: recorded sessions, opened in jsdom by somebody with a role. */
import { act } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { afterEach, beforeAll } from "vitest";
import type { Session } from "../src/api/types";
import { logPage } from "./log-pages";
import { API, bePatient, drawRouter, listen, SLOW_MS, server, stubWindow } from "./page-in-jsdom";
import { busy } from "./recordings";
import { logOf, type Step } from "./steps";

/** What was asked about the session since it was opened: methods, and paths under its own. */
export const asked: string[] = [];

/** Call it first in the file. */
export function beforeSessions(): void {
  bePatient();
  stubWindow();
  listen("bypass");
  beforeAll(async () => {
    // Read before the first test has to wait for it.
    await import("../src/session/SessionRoute");
  }, SLOW_MS);
  afterEach(async () => {
    const { router } = await import("../src/router");
    await act(async () => router.history.push("/nowhere"));
  });
}

interface Opening {
  role: Session["role"];
  /** Who looks; sessions and prompts are Ada's. */
  name?: string;
  search?: string;
  /** What happened since. */
  more?: readonly Step[];
}

/** Open the page of a recorded session. */
export async function open(id: string, { role, name = "Ben", search = "", more = [] }: Opening) {
  const { router } = await import("../src/router");
  const recorded = busy().find(({ session }) => session.id === id);
  if (!recorded) throw new Error(`There is no recording ${id}.`);
  const session: Session = { ...recorded.session, id: `${id}-${role}`, role, author: "Ada" };
  const log = logOf(...[...recorded.past, ...more].map(([, event]) => event));
  server.use(
    http.get(`${API}/me`, () => HttpResponse.json({ id: "u2", name, role: "member" })),
    http.get(`${API}/sessions`, () => HttpResponse.json({ items: [session], next: null })),
    http.get(`${API}/events`, () => new HttpResponse(": here\n\n")),
    http.get(`${API}/models`, () => HttpResponse.json({ default: "", items: [], providers: [] })),
    http.get(`${API}/system`, () => HttpResponse.json({ version: "1", image: { state: "ready" } })),
    http.get(`${API}/sessions/${session.id}/events`, ({ request }) =>
      HttpResponse.json(logPage(log, new URL(request.url).searchParams)),
    ),
    http.post(`${API}/sessions/${session.id}/stop`, () => HttpResponse.json(session)),
  );
  asked.length = 0;
  server.events.on("request:start", ({ request }) => {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith(`/api/sessions/${session.id}/`)) {
      asked.push(`${request.method} ${pathname.slice(`/api/sessions/${session.id}/`.length)}`);
    }
  });
  drawRouter(router);
  // A router that is not on the page does not hear where it is led.
  await act(async () => router.history.push(`/sessions/${session.id}${search}`));
}
