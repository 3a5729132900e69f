// @vitest-environment jsdom
import { QueryClientProvider } from "@tanstack/react-query";
import { cleanup, configure, fireEvent, render, screen, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { queryClient } from "@/api/queries";
import type { RepositorySettings, RepositorySettingsIn, Role } from "@/api/types";
import { Repositories } from "./Repositories";

const server = setupServer();
const API = `${location.origin}/api`;
const GARDEN = "https://github.com/a/garden";
vi.setConfig({ testTimeout: 30_000 });
configure({ asyncUtilTimeout: 5_000 });

beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => {
  cleanup();
  queryClient.clear();
  server.resetHandlers();
});
afterAll(() => server.close());

const kept = (
  repository: string,
  said: Partial<RepositorySettingsIn> = {},
): RepositorySettings => ({
  ...{ repository, reads_file: true, model: null, commands: null, seconds: null },
  ...{ environment: null, egress: null, ...said },
  ...{ updated_at: "2026-01-01T00:00:00Z", updated_by: "Ada" },
});

/** A hub that keeps what is said, and refuses a variable as the real one does. */
function hub(entries: RepositorySettings[], role: Role = "admin") {
  const said: [string, RepositorySettingsIn][] = [];
  const asked = (request: Request) => new URL(request.url).searchParams.get("repository") ?? "";
  server.use(
    http.get(`${API}/me`, () => HttpResponse.json({ id: "p", name: "Ada", role })),
    http.get(`${API}/repository-settings`, () => HttpResponse.json({ items: entries, next: null })),
    http.put(`${API}/repository-settings`, async ({ request }) => {
      const repository = asked(request);
      const body = (await request.json()) as RepositorySettingsIn;
      said.push([repository, body]);
      if (body.environment?.PATH) {
        const detail = "The variable `PATH` can't be set.";
        return HttpResponse.json({ status: 422, code: "x", title: "No", detail }, { status: 422 });
      }
      const entry = kept(repository, body);
      entries.splice(0, entries.length, ...entries.filter((e) => e.repository !== repository));
      entries.push(entry);
      return HttpResponse.json(entry);
    }),
    http.delete(`${API}/repository-settings`, ({ request }) => {
      const at = entries.findIndex((entry) => entry.repository === asked(request));
      entries.splice(at, 1);
      return new HttpResponse(null, { status: 204 });
    }),
  );
  return said;
}

const show = (asked: string | null = null) =>
  render(
    <QueryClientProvider client={queryClient}>
      <Repositories asked={asked} />
    </QueryClientProvider>,
  );

const fill = (label: string, value: string) =>
  fireEvent.change(screen.getByLabelText(label), { target: { value } });

it("says something of a repository, and lists it", async () => {
  const said = hub([]);
  show();
  fireEvent.click(await screen.findByRole("button", { name: "Say something of a repository" }));
  fill("Repository", GARDEN);
  fireEvent.click(screen.getByLabelText("These, in place of the repository’s"));
  fill("Commands", "uv sync\n\nnpm ci\n");
  fill("Environment", "A=1\nURL=x=y");
  fill("May reach besides", "api.example.org");
  fireEvent.click(screen.getByRole("button", { name: "Keep" }));
  const list = await screen.findByRole("list", { name: "Repositories" });
  expect(within(list).getByText(GARDEN)).toBeTruthy();
  expect(
    within(list).getByText("2 commands · 2 variables · may reach api.example.org"),
  ).toBeTruthy();
  expect(said).toEqual([
    [
      GARDEN,
      {
        ...{ reads_file: true, model: null, commands: ["uv sync", "npm ci"], seconds: null },
        ...{ environment: { A: "1", URL: "x=y" }, egress: ["api.example.org"] },
      },
    ],
  ]);
});

it("opens the repository that somebody came for, in whatever spelling", async () => {
  hub([kept(GARDEN, { egress: ["old.example.org"] }), kept("https://github.com/a/other")]);
  show(`${GARDEN.replace("garden", "Garden")}.git`);
  expect(await screen.findByLabelText("May reach besides")).toHaveProperty(
    "value",
    "old.example.org",
  );
  expect(screen.queryByLabelText("Repository")).toBeNull();
});

it("begins with one that nothing is said of", async () => {
  const said = hub([]);
  show(GARDEN);
  expect(await screen.findByLabelText("Repository")).toHaveProperty("value", GARDEN);
  fill("May reach besides", "api.example.org");
  fireEvent.click(screen.getByRole("button", { name: "Keep" }));
  await screen.findByRole("list", { name: "Repositories" });
  expect(said[0]?.[1].commands).toBeNull();
});

it("says what is wrong, and keeps what was typed", async () => {
  hub([kept(GARDEN)]);
  show(GARDEN);
  await screen.findByLabelText("Environment");
  fill("Environment", "nonsense");
  fireEvent.click(screen.getByRole("button", { name: "Keep" }));
  expect((await screen.findByRole("alert")).textContent).toBe("“nonsense” is not NAME=value.");
  fill("Environment", "PATH=/evil");
  fireEvent.click(screen.getByRole("button", { name: "Keep" }));
  expect((await screen.findByText(/can't be set/)).textContent).toContain("PATH");
  expect(screen.getByLabelText("Environment")).toHaveProperty("value", "PATH=/evil");
});

it("forgets what was said, once that is confirmed", async () => {
  hub([kept(GARDEN)]);
  show();
  fireEvent.click(await screen.findByRole("button", { name: `Forget ${GARDEN}` }));
  fireEvent.click(await screen.findByRole("button", { name: "Forget them" }));
  await vi.waitFor(() => expect(screen.queryByText(GARDEN)).toBeNull());
});

it("is for admins", async () => {
  hub([kept(GARDEN)], "member");
  show();
  expect(await screen.findByText(/you are a member/)).toBeTruthy();
  expect(screen.queryByText(GARDEN)).toBeNull();
});
