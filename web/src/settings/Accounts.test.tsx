// @vitest-environment jsdom
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { expect, it } from "vitest";
import { queryClient } from "@/api/queries";
import type { Grant, LinkedAccount, Me } from "@/api/types";
import { API, draw, listen, refused, server } from "../../dev/page-in-jsdom";
import { Accounts } from "./Accounts";

const AT = `${API}/me/identities`;

listen();

function account(id: string, more: Partial<LinkedAccount>): LinkedAccount {
  return {
    id,
    provider: "github",
    login: "ada",
    name: "Ada Lovelace",
    email: "ada@acme.example",
    created_at: "2026-01-01T00:00:00Z",
    last_used_at: null,
    usable: true,
    ...more,
  };
}

const ME: Me = { id: "u", name: "Ada", role: "member" };

const grant = (more: Partial<Grant>): Grant => ({
  ...{ forge: "github", host: "github.com", kind: "token", login: "ada-l", name: "Ada" },
  ...{ scopes: ["repo", "workflow"], created_at: "2026-01-01T00:00:00Z", expires_at: null },
  revoked: false,
  install_url: null,
  ...more,
});

/** A hub that keeps one token for GitHub, where that says whose it is. */
function forge(grants: Grant[]) {
  const given: string[] = [];
  server.use(
    http.get(`${API}/me/grants`, () => HttpResponse.json({ items: grants, next: null })),
    http.put(`${API}/me/grants/github`, async ({ request }) => {
      const { token } = (await request.json()) as { token: string };
      given.push(token);
      if (token !== "github_pat_good") {
        return refused(409, "grant_revoked", "GitHub does not take this token.", "Make a new one.");
      }
      grants.splice(0, grants.length, grant({ scopes: [] }));
      return HttpResponse.json(grants[0]);
    }),
    http.delete(`${API}/me/grants/github`, () => {
      grants.splice(0, grants.length);
      return new HttpResponse(null, { status: 204 });
    }),
  );
  return given;
}

/** A hub that keeps accounts, and the last of them. */
function hub(accounts: LinkedAccount[], asked: unknown[] = []) {
  const providers = [
    { key: "github", name: "GitHub Enterprise", start: "/sign-in/github" },
    { key: "oidc", name: "Acme ID", start: "/sign-in/oidc" },
  ];
  server.use(
    http.get(`${API}/me`, () => HttpResponse.json(ME)),
    http.get(`${API}/me/grants`, () => refused(404, "not_found", "There is no forge.", "")),
    http.get(`${API}/sign-in`, () => HttpResponse.json({ providers })),
    http.get(AT, () => HttpResponse.json({ items: accounts, next: null })),
    http.post(AT, async ({ request }) => {
      const wish = (await request.json()) as { provider: string };
      asked.push(wish);
      // The only place where jsdom goes is one on the same page.
      if (wish.provider === "github") return HttpResponse.json({ url: "#at-the-provider" });
      return refused(503, "sign_in_provider_down", "Acme ID does not answer.", "Try again.");
    }),
    http.delete(`${AT}/:id`, ({ params }) => {
      if (accounts.length === 1) {
        return refused(409, "last_way_in", "This is the last account.", "Link another one first.");
      }
      accounts.splice(0, accounts.length, ...accounts.filter(({ id }) => id !== params.id));
      return new HttpResponse(null, { status: 204 });
    }),
  );
}

const open = () => draw(<Accounts />);

const listed = async () =>
  within(await screen.findByRole("list", { name: "Linked accounts" })).getAllByRole("listitem");

it("lists accounts, unlinks one, and says why the last one stays", async () => {
  hub([account("1", {}), account("2", { provider: "google", login: null, usable: false })]);
  open();
  const [first, second] = await listed();
  expect(first?.textContent).toContain("GitHub Enterprise ada");
  expect(first?.textContent).not.toContain("can’t sign in");
  expect(second?.textContent).toContain("Google ada@acme.example");
  expect(second?.textContent).toContain("can’t sign in");

  fireEvent.click(screen.getByRole("button", { name: "Unlink Google ada@acme.example" }));
  await waitFor(async () => expect(await listed()).toHaveLength(1));
  fireEvent.click(screen.getByRole("button", { name: "Unlink GitHub Enterprise ada" }));
  expect((await screen.findByRole("alert")).textContent).toContain("Link another one first.");
  expect(await listed()).toHaveLength(1);
});

it("leads to a provider to link an account, and back here, or says what the hub refuses", async () => {
  const asked: unknown[] = [];
  hub([], asked);
  open();
  expect(await screen.findByText(/let in by a link/)).toBeTruthy();
  fireEvent.click(await screen.findByRole("button", { name: "Link Acme ID" }));
  expect((await screen.findByRole("alert")).textContent).toContain("Acme ID does not answer.");
  expect(location.hash).toBe("");

  fireEvent.click(await screen.findByRole("button", { name: "Link GitHub Enterprise" }));
  await waitFor(() => expect(location.hash).toBe("#at-the-provider"));
  const next = "/settings/accounts";
  expect(asked).toEqual([
    { provider: "oidc", next },
    { provider: "github", next },
  ]);
});

it("gives GitHub a token, which the page then does not keep, and forgets it", async () => {
  hub([account("1", {})]);
  const given = forge([]);
  open();
  const field = await screen.findByLabelText<HTMLInputElement>("Token");
  expect(field.type).toBe("password");
  const give = (token: string) => {
    fireEvent.change(screen.getByLabelText("Token"), { target: { value: token } });
    fireEvent.click(screen.getByRole("button", { name: "Give it" }));
  };
  give("github_pat_bad");
  expect((await screen.findByRole("alert")).textContent).toContain("Make a new one.");
  give(" github_pat_good ");
  const list = await screen.findByRole("list", { name: "Rights at GitHub" });
  expect(list.textContent).toContain("ada-l");
  expect(list.textContent).toContain("chosen for it at GitHub");
  expect(given).toEqual(["github_pat_bad", "github_pat_good"]);
  await waitFor(() => expect(screen.queryByLabelText("Token")).toBeNull());
  fireEvent.click(screen.getByRole("button", { name: "Replace" }));
  expect(screen.getByLabelText<HTMLInputElement>("Token").value).toBe("");

  fireEvent.click(screen.getByRole("button", { name: "Forget ada-l" }));
  fireEvent.click(await screen.findByRole("button", { name: "Forget it" }));
  await waitFor(() => expect(screen.queryByRole("list", { name: "Rights at GitHub" })).toBeNull());
});

it("says what GitHub lets it do, until when, and that it does so no more", async () => {
  hub([account("1", {})]);
  const expires_at = new Date(Date.now() + 5 * 3_600_000).toISOString();
  forge([
    grant({ kind: "app", expires_at }),
    grant({ host: "github.acme.example", revoked: true }),
  ]);
  open();
  const list = await screen.findByRole("list", { name: "Rights at GitHub" });
  const [good, revoked] = within(list).getAllByRole("listitem");
  expect(good?.textContent).toContain("repo, workflow");
  expect(good?.textContent).toContain("ends in 5 h, unless it is renewed before");
  expect(good?.textContent).not.toContain("any more");
  expect(revoked?.textContent).toContain("GitHub does not take it any more.");
});

it("signs out at once who can come back, and asks those who can’t", async () => {
  let out = 0;
  const accounts = [account("1", {})];
  hub(accounts);
  server.use(
    http.post(`${API}/sign-out`, () => {
      out += 1;
      return refused(503, "down", "Not now.", "Try again.");
    }),
  );
  open();
  fireEvent.click(await screen.findByRole("button", { name: "Sign out" }));
  expect((await screen.findByRole("alert")).textContent).toContain("Not now.");
  expect(out).toBe(1);
  expect(screen.queryByRole("dialog")).toBeNull();

  accounts.splice(0);
  await queryClient.invalidateQueries();
  await screen.findByText(/let in by a link/);
  fireEvent.click(screen.getByRole("button", { name: "Sign out" }));
  const asked = await screen.findByRole("dialog");
  expect(asked.textContent).toContain("another invitation");
  expect(out).toBe(1);
  fireEvent.click(within(asked).getByRole("button", { name: "Sign out" }));
  await waitFor(() => expect(out).toBe(2));
});
