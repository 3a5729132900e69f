// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { expect, it } from "vitest";
import { queryClient } from "@/api/queries";
import type { NewToken, Role, Token } from "@/api/types";
import { API, bePatient, draw, listen, server } from "../../dev/page-in-jsdom";
import { Tokens } from "./Tokens";

const SINCE = "2026-01-01T00:00:00Z";

bePatient();
listen();

const token = (id: string, more: Partial<Token> = {}): Token => ({
  ...{ id, name: id, scopes: ["read"], created_at: SINCE, expires_at: null, last_used_at: null },
  token: null,
  ...more,
});

/** A hub that keeps tokens, and takes none for more than a year. */
function hub(tokens: Token[], role: Role = "member", neverAllowed = false) {
  const asked: NewToken[] = [];
  server.use(
    http.get(`${API}/me`, () => HttpResponse.json({ id: "u", name: "Ada", role })),
    http.get(`${API}/tokens`, () =>
      HttpResponse.json({ items: tokens, never_allowed: neverAllowed }),
    ),
    http.post(`${API}/tokens`, async ({ request }) => {
      const wish = (await request.json()) as NewToken;
      asked.push(wish);
      if ((wish.days ?? 0) > 365) {
        const detail = "A token is good for between 1 and 365 days.";
        const body = { status: 422, title: "No", code: "invalid_input", detail };
        return HttpResponse.json(body, { status: 422 });
      }
      const made = token("new", { name: wish.name ?? "", scopes: wish.scopes ?? [] });
      tokens.unshift(made);
      return HttpResponse.json({ ...made, token: "bh_told-once" }, { status: 201 });
    }),
    http.delete(`${API}/tokens/:id`, ({ params }) => {
      tokens.splice(
        tokens.findIndex((each) => each.id === params.id),
        1,
      );
      return new HttpResponse(null, { status: 204 });
    }),
  );
  draw(<Tokens />);
  return asked;
}

const list = () => screen.findByRole("list", { name: "Tokens" });

it("makes one for what is ticked, and shows it once", async () => {
  const asked = hub([]);
  fireEvent.change(screen.getByLabelText("What it is for"), { target: { value: "ci" } });
  fireEvent.change(screen.getByLabelText("For how many days"), { target: { value: "7" } });
  fireEvent.click(screen.getByRole("checkbox", { name: "Sessions" }));
  fireEvent.click(screen.getByRole("button", { name: "Make a token" }));
  const shown = await screen.findByRole("region", { name: "The new token" });
  expect(shown.textContent).toContain("bh_told-once");
  expect(asked).toEqual([{ name: "ci", scopes: ["read"], days: 7, never: false }]);
  expect((await list()).textContent).toContain("ci Readnever used");
  fireEvent.click(within(shown).getByRole("button", { name: "I have it" }));
  await waitFor(() => expect(screen.queryByText("bh_told-once")).toBeNull());
});

it("offers admins alone what admins alone may", async () => {
  hub([]);
  await waitFor(() => expect(queryClient.getQueryData(["me"])).toBeDefined());
  expect(screen.queryByRole("checkbox", { name: "Admin" })).toBeNull();
  cleanup();
  queryClient.clear();
  hub([], "admin");
  await screen.findByRole("checkbox", { name: "Admin" });
});

it("says why one can't be made, and asks for something that it is for", async () => {
  hub([]);
  fireEvent.change(screen.getByLabelText("For how many days"), { target: { value: "1000" } });
  fireEvent.click(screen.getByRole("button", { name: "Make a token" }));
  await screen.findByText("A token is good for between 1 and 365 days.");
  fireEvent.click(screen.getByRole("checkbox", { name: "Read" }));
  fireEvent.click(screen.getByRole("checkbox", { name: "Sessions" }));
  const make = screen.getByRole("button", { name: "Make a token" }) as HTMLButtonElement;
  expect(make.disabled).toBe(true);
});

it("offers one for ever where the installation does", async () => {
  hub([]);
  await waitFor(() => expect(queryClient.getQueryData(["tokens"])).toBeDefined());
  expect(screen.queryByRole("checkbox", { name: "It never expires" })).toBeNull();
  cleanup();
  queryClient.clear();
  const asked = hub([], "member", true);
  fireEvent.click(await screen.findByRole("checkbox", { name: "It never expires" }));
  fireEvent.click(screen.getByRole("button", { name: "Make a token" }));
  await waitFor(() => expect(asked.at(-1)).toMatchObject({ days: null, never: true }));
});

it("revokes one after it has asked", async () => {
  hub([
    token("ci", { last_used_at: SINCE, expires_at: "2099-01-01T00:00:00Z" }),
    token("old", { scopes: ["read", "sessions", "account", "admin"] }),
  ]);
  expect((await list()).textContent).toContain("Read, Sessions, Account, Admin");
  fireEvent.click(screen.getByRole("button", { name: "Revoke old" }));
  const dialog = await screen.findByRole("dialog");
  expect(screen.getByText("ci")).toBeDefined(); // all of it is there until it is said
  expect(screen.getByText("old")).toBeDefined();
  fireEvent.click(within(dialog).getByRole("button", { name: "Revoke" }));
  await waitFor(async () => expect((await list()).children).toHaveLength(1));
  expect(screen.queryByText("old")).toBeNull();
});
