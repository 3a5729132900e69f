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

/** Call it first in the file. `page`: reads what is drawn; `away`: where it is left for. */
export function beforeSessions(
  page: () => Promise<unknown> = () => import("../src/session/SessionRoute"),
  away = "/nowhere",
): void {
  bePatient();
  stubWindow();
  listen("bypass");
  beforeAll(async () => {
    // Read before the first test has to wait for it.
    await page();
  }, SLOW_MS);
  afterEach(async () => {
    const { router } = await import("../src/router");
    await act(async () => router.history.push(away));
  });
}

/** A recorded session, with another say in what it is, and its log. */
export function recorded(id: string, as: Partial<Session>, more: readonly Step[] = []) {
  const found = busy().find(({ session }) => session.id === id);
  if (!found) throw new Error(`There is no recording ${id}.`);
  const session: Session = { ...found.session, ...as };
  return { session, log: logOf(...[...found.past, ...more].map(([, event]) => event)) };
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
  const { session, log } = recorded(id, { id: `${id}-${role}`, role, author: "Ada" }, more);
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
