// @vitest-environment jsdom
import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { afterEach, beforeAll, expect, it } from "vitest";
import type { Session } from "@/api/types";
import { logPage } from "../../dev/log-pages";
import {
  API,
  bePatient,
  drawRouter,
  listen,
  SLOW_MS,
  server,
  stubWindow,
} from "../../dev/page-in-jsdom";
import { busy } from "../../dev/recordings";
import { logOf } from "../../dev/steps";

let asked: string[] = [];

bePatient();
stubWindow();
listen("bypass");
beforeAll(async () => {
  // Read before the first test has to wait for it.
  await import("./SessionRoute");
}, SLOW_MS);
afterEach(async () => {
  const { router } = await import("@/router");
  await act(async () => router.history.push("/nowhere"));
});

/** The page of a recorded session, as somebody with this role sees it. */
async function open(id: string, role: Session["role"], search = "") {
  const { router } = await import("@/router");
  const recorded = busy().find(({ session }) => session.id === id);
  if (!recorded) throw new Error(`There is no recording ${id}.`);
  const session: Session = { ...recorded.session, id: `${id}-${role}`, role, author: "Ada" };
  const log = logOf(...recorded.past.map(([, event]) => event));
  server.use(
    http.get(`${API}/me`, () => HttpResponse.json({ id: "u2", name: "Ben", role: "member" })),
    http.get(`${API}/sessions`, () => HttpResponse.json({ items: [session], next: null })),
    http.get(`${API}/events`, () => new HttpResponse(": here\n\n")),
    http.get(`${API}/models`, () => HttpResponse.json({ default: "", items: [], providers: [] })),
    http.get(`${API}/system`, () => HttpResponse.json({ version: "1", image: { state: "ready" } })),
    http.get(`${API}/sessions/${session.id}/events`, ({ request }) =>
      HttpResponse.json(logPage(log, new URL(request.url).searchParams)),
    ),
  );
  asked = [];
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

const tabs = () =>
  ["Changes", "Editor", "Browser", "Terminal", "Preview", "Details"].filter((name) =>
    screen.queryByRole("button", { name }),
  );

it("gives a driver what answers the agent, and all panes", async () => {
  await open("s-permission", "driver");
  expect(await screen.findByTestId("permission-once")).toBeTruthy();
  expect(screen.getByTestId("composer")).toBeTruthy();
  expect(screen.getByTitle("Rename")).toBeTruthy();
  expect(tabs()).toHaveLength(6);
  expect(screen.getByTestId("session-state").textContent).toBe("Waits for you");
});

it.each(["viewer", "commenter"] as const)(
  "shows a %s what is asked, and whom to ask",
  async (role) => {
    await open("s-permission", role);
    const card = await screen.findByTestId("permission-card");
    expect(card.textContent).toContain("git push origin v2.4.0");
    const note = await screen.findByTestId("onlooker");
    expect(note.textContent).toContain(`as a ${role}`);
    expect(note.textContent).toContain("ask Ada to make you a driver");
    for (const name of ["permission-once", "permission-reject", "composer", "stop", "drive"]) {
      expect(screen.queryByTestId(name)).toBeNull();
    }
    expect(screen.queryByTitle("Rename")).toBeNull();
    expect(tabs()).toEqual(["Changes", "Details"]);
    expect(screen.getByTestId("session-state").textContent).toBe("Waits for an answer");
    expect(screen.queryAllByLabelText("Waits for you")).toEqual([]);
    expect(screen.getAllByRole("img", { name: "Waits for an answer" }).length).toBeGreaterThan(1);

    fireEvent.keyDown(window, { key: "y", code: "KeyY", altKey: true });
    fireEvent.keyDown(window, { key: "t" });
    fireEvent.keyDown(window, { key: "e" });
    fireEvent.keyDown(screen.getByTestId("session-menu"), { key: "Enter" });
    const items = (await screen.findAllByRole("menuitem")).map((item) => item.textContent);
    expect(items).toEqual(["Export as Markdown", "Export as JSONL"]);
    const fields = screen.queryAllByRole("textbox", { hidden: true });
    expect(fields.map((field) => field.getAttribute("data-testid"))).toEqual(
      role === "commenter" ? ["comment-field"] : [],
    );
    expect(location.search).toBe("");
    expect(asked.filter((request) => !request.startsWith("GET events"))).toEqual([]);
  },
);

it("shows a viewer a question with nothing to press", async () => {
  await open("s-question", "viewer");
  const card = await screen.findByTestId("question-card");
  await screen.findByTestId("onlooker");
  const choices = [...card.querySelectorAll("input")];
  expect(choices.length).toBeGreaterThan(1);
  expect(choices.every((choice) => choice.matches(":disabled"))).toBe(true);
  expect(screen.queryByTestId("question-send")).toBeNull();
});

it("starts nothing in the sandbox for a viewer whom an address leads there", async () => {
  await open("s-working", "viewer", "?pane=terminal");
  expect(await screen.findByText(/open to drivers of this session/)).toBeTruthy();
  await waitFor(() => expect(asked).toContain("GET events"));
  expect(asked.filter((request) => !request.startsWith("GET events"))).toEqual([]);
});
