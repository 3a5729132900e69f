// @vitest-environment jsdom
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";

const server = setupServer();
let created: unknown[] = [];

beforeAll(() => {
  // What jsdom has not.
  vi.stubGlobal("scrollTo", () => {});
  vi.stubGlobal("matchMedia", () => ({
    matches: true,
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
});
beforeEach(() => {
  created = [];
});
afterEach(() => {
  cleanup();
  server.resetHandlers();
});
afterAll(() => server.close());

async function open(): Promise<void> {
  const { queryClient } = await import("./api/queries");
  const { router } = await import("./router");
  queryClient.clear();
  render(
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
}

function hub({ signedIn }: { signedIn: boolean }) {
  const at = location.origin;
  const refused = { status: 401, title: "Unauthorized", detail: "Sign in.", code: "unauthorized" };
  server.use(
    http.get(`${at}/api/me`, () =>
      signedIn
        ? HttpResponse.json({ id: "u", name: "Ada", role: "admin" })
        : HttpResponse.json(refused, { status: 401 }),
    ),
    http.get(`${at}/api/sign-in`, () => HttpResponse.json({ providers: [] })),
    http.get(`${at}/api/sessions`, () => HttpResponse.json({ items: [], next: null })),
    http.get(`${at}/api/system`, () =>
      HttpResponse.json({
        version: "1",
        engine: { ok: true },
        image: { state: "building", step: "Installing packages", progress: 0.5, seconds: 3 },
        sample_repository: "/srv/sample",
      }),
    ),
    http.get(`${at}/api/models`, () =>
      HttpResponse.json({
        default: "demo/demo",
        items: [{ id: "demo/demo", provider: "demo", name: "Demo", scripted: true }],
        providers: [{ id: "demo", name: "Demo", enabled: true, how: "" }],
      }),
    ),
    http.get(`${at}/api/repositories`, () => HttpResponse.json({ items: [], forges: [] })),
    http.get(`${at}/api/branches`, () => HttpResponse.json({ default: "main", items: ["main"] })),
    http.get(`${at}/api/events`, () => new HttpResponse(": here\n\n")),
    http.post(`${at}/api/sessions`, async ({ request }) => {
      created.push(await request.json());
      const problem = {
        status: 409,
        title: "Full",
        detail: "All sandboxes are taken.",
        code: "full",
        remedy: "Stop one.",
      };
      return HttpResponse.json(problem, { status: 409 });
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
