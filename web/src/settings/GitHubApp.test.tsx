// @vitest-environment jsdom
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { afterEach, expect, it, vi } from "vitest";
import type { GitHubSetup, GitHubState, RegisteredApp, Role } from "@/api/types";
import { API, bePatient, draw, listen, server } from "../../dev/page-in-jsdom";
import { GitHubApp } from "./GitHubApp";

bePatient();
listen();
afterEach(() => vi.unstubAllGlobals());

const APP: RegisteredApp = {
  ...{ name: "Bunkhouse of Acme", slug: "bunkhouse-of-acme", owner: "acme", host: "github.com" },
  html_url: "https://github.com/apps/bunkhouse-of-acme",
  settings_url: "https://github.com/organizations/acme/settings/apps/bunkhouse-of-acme",
  install_url: "https://github.com/apps/bunkhouse-of-acme/installations/new",
  ...{ hears: true, in_use: true, problem: null, created_at: "2026-01-01T00:00:00Z" },
};

/** A hub, and what it is asked to set up. */
function hub(more: Partial<GitHubState> = {}, role: Role = "admin") {
  const wishes: GitHubSetup[] = [];
  const state: GitHubState = {
    ...{ url: "https://github.com", url_is_set: false, client_is_set: false },
    ...{ hub_url: "https://bunkhouse.acme.org", reachable: true, app: null },
    ...more,
  };
  const me = { id: "u1", name: "Ada", role };
  server.use(
    http.get(`${API}/me`, () => HttpResponse.json(me)),
    http.get(`${API}/github-app`, () => HttpResponse.json(state)),
    http.post(`${API}/github-app/setups`, async ({ request }) => {
      const wish = (await request.json()) as GitHubSetup;
      wishes.push(wish);
      if (wish.organization === "a/b") {
        const detail = "`a/b` is not the name of an organization.";
        const problem = {
          status: 422,
          title: "No",
          code: "invalid_input",
          detail,
          remedy: "Else.",
        };
        return HttpResponse.json(problem, { status: 422 });
      }
      return HttpResponse.json({ url: "/setup/github" }, { status: 201 });
    }),
    http.delete(`${API}/github-app`, () => {
      state.app = null;
      return new HttpResponse(null, { status: 204 });
    }),
  );
  return wishes;
}

const show = () => draw(<GitHubApp />);

it("sends the browser to where the App is made", async () => {
  const assign = vi.fn();
  vi.stubGlobal("location", { ...location, assign, origin: location.origin });
  const wishes = hub();
  show();
  fireEvent.change(await screen.findByLabelText("Organization"), { target: { value: " acme " } });
  fireEvent.click(screen.getByRole("button", { name: "Set up a GitHub App" }));
  await waitFor(() => expect(assign).toHaveBeenCalledWith("/setup/github"));
  expect(wishes).toEqual([{ organization: "acme", url: null }]);
  expect(screen.queryByText(/gets no webhook/)).toBeNull();
});

it("says what is refused, and that no webhook comes to loopback", async () => {
  hub({ hub_url: "http://bunkhouse.localhost:8787", reachable: false });
  show();
  fireEvent.change(await screen.findByLabelText("Organization"), { target: { value: "a/b" } });
  expect(screen.getByText(/gets no webhook/)).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Set up a GitHub App" }));
  expect((await screen.findByRole("alert")).textContent).toContain("is not the name");
});

it("shows the App, and removes it once it was said what is lost", async () => {
  hub({ app: { ...APP } });
  show();
  const install = await screen.findByRole("link", { name: "Install it on repositories" });
  expect(install.getAttribute("href")).toBe(APP.install_url);
  const settings = screen.getByRole("link", { name: "Its settings at GitHub" });
  expect(settings.getAttribute("href")).toBe(APP.settings_url);
  fireEvent.click(screen.getByRole("button", { name: "Remove" }));
  const dialog = await screen.findByRole("dialog", { name: "Remove Bunkhouse of Acme?" });
  expect(dialog.textContent).toContain("Nobody can sign in with GitHub any more");
  expect(dialog.textContent).toContain("At GitHub the App stays");
  fireEvent.click(within(dialog).getByRole("button", { name: "Remove it" }));
  expect(await screen.findByRole("button", { name: "Set up a GitHub App" })).toBeTruthy();
});

it("says why an App is of no use", async () => {
  const problem = "This was encrypted with the key k1, which the hub does not have.";
  hub({ app: { ...APP, in_use: false, hears: false, problem } });
  show();
  expect((await screen.findByRole("alert")).textContent).toContain(problem);
  expect(screen.getByText(/It is not in use/)).toBeTruthy();
  expect(screen.getByText(/It has no webhook/)).toBeTruthy();
});

it("offers nothing where the environment says who the hub is", async () => {
  hub({ client_is_set: true, url: "https://github.acme.org" });
  show();
  expect(await screen.findByText("https://github.acme.org")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Set up a GitHub App" })).toBeNull();
});

it("leaves the address to the environment where that sets it", async () => {
  hub({ url_is_set: true, url: "https://github.acme.org" });
  show();
  expect(await screen.findByText("https://github.acme.org")).toBeTruthy();
  expect(screen.queryByLabelText("GitHub Enterprise")).toBeNull();
});

it("tells a member whom to ask", async () => {
  hub({}, "member");
  show();
  expect(await screen.findByText(/Admins set up GitHub/)).toBeTruthy();
});
