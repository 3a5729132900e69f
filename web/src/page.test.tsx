// @vitest-environment jsdom
import { fireEvent, screen, waitFor } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { beforeEach, expect, it } from "vitest";
import { API, drawRouter, listen, refused, server, stubWindow } from "../dev/page-in-jsdom";

let created: unknown[] = [];

stubWindow();
listen("bypass");
beforeEach(() => {
  created = [];
});

async function open(): Promise<void> {
  const { router } = await import("./router");
  drawRouter(router);
}

function hub({ signedIn }: { signedIn: boolean }) {
  server.use(
    http.get(`${API}/me`, () =>
      signedIn
        ? HttpResponse.json({ id: "u", name: "Ada", role: "admin" })
        : refused(401, "unauthorized", "Sign in.", null),
    ),
    http.get(`${API}/sign-in`, () => HttpResponse.json({ providers: [] })),
    http.get(`${API}/sessions`, () => HttpResponse.json({ items: [], next: null })),
    http.get(`${API}/system`, () =>
      HttpResponse.json({
        version: "1",
        engine: { ok: true },
        image: { state: "building", step: "Installing packages", progress: 0.5, seconds: 3 },
        sample_repository: "/srv/sample",
      }),
    ),
    http.get(`${API}/models`, () =>
      HttpResponse.json({
        default: "demo/demo",
        items: [{ id: "demo/demo", provider: "demo", name: "Demo", scripted: true }],
        providers: [{ id: "demo", name: "Demo", enabled: true, how: "" }],
      }),
    ),
    http.get(`${API}/repositories`, () => HttpResponse.json({ items: [], forges: [] })),
    http.get(`${API}/branches`, () => HttpResponse.json({ default: "main", items: ["main"] })),
    http.get(`${API}/events`, () => new HttpResponse(": here\n\n")),
    http.post(`${API}/sessions`, async ({ request }) => {
      created.push(await request.json());
      return refused(409, "full", "All sandboxes are taken.", "Stop one.");
    }),
  );
}

it("says in plain words how to sign in", async () => {
  hub({ signedIn: false });
  await open();
  expect(await screen.findByText("Open the link from the terminal")).toBeTruthy();
});

it("is one key press from the first turn, and says what the hub refuses", async () => {
  hub({ signedIn: true });
  await open();
  const prompt = await screen.findByTestId<HTMLTextAreaElement>("home-prompt");
  await waitFor(() => expect(screen.getByTestId("home-repo").dataset.value).toBe("/srv/sample"));
  expect(screen.getByTestId("image-status").textContent).toContain("Installing packages");
  fireEvent.keyDown(prompt, { key: "Enter", ctrlKey: true });
  expect(await screen.findByText("All sandboxes are taken.")).toBeTruthy();
  expect(screen.getByText("Stop one.")).toBeTruthy();
  expect(created).toMatchObject([
    {
      repository: "/srv/sample",
      branch: null,
      model: null,
      prompt: prompt.value,
      permissions: null,
    },
  ]);
});
