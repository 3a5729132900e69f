// @vitest-environment jsdom
import { QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { queryClient } from "@/api/queries";
import type { LinkedAccount } from "@/api/types";
import { ShellContext } from "@/shell/shell";
import { Accounts } from "./Accounts";

const server = setupServer();
const AT = `${location.origin}/api/me/identities`;

beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => {
  cleanup();
  queryClient.clear();
  server.resetHandlers();
});
afterAll(() => server.close());

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

/** A hub that keeps accounts, and the last of them. */
function hub(accounts: LinkedAccount[], asked: unknown[] = []) {
  const providers = [
    { key: "github", name: "GitHub Enterprise", start: "/sign-in/github" },
    { key: "oidc", name: "Acme ID", start: "/sign-in/oidc" },
  ];
  const refused = (status: number, code: string, detail: string, remedy: string) =>
    HttpResponse.json({ status, title: "No", code, detail, remedy }, { status });
  server.use(
    http.get(`${location.origin}/api/sign-in`, () => HttpResponse.json({ providers })),
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

function open() {
  const shell = { openPalette() {}, openShortcuts() {}, openSidebar() {} };
  render(
    <QueryClientProvider client={queryClient}>
      <ShellContext value={shell}>
        <Accounts />
      </ShellContext>
    </QueryClientProvider>,
  );
}

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
  expect(await screen.findByText(/let in by the one-time link/)).toBeTruthy();
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
