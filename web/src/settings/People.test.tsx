// @vitest-environment jsdom
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { afterEach, expect, it, vi } from "vitest";
import type { Invite, NewInvite, Person, Role } from "@/api/types";
import { API, bePatient, draw, listen, refused, server } from "../../dev/page-in-jsdom";
import { People } from "./People";

const LINK = "https://bunkhouse.example/invite/told-once";
const SINCE = "2026-01-01T00:00:00Z";

bePatient();
listen();
afterEach(() => vi.unstubAllGlobals());

/** Whose browsers the hub was told to sign out. */
const signedOut: string[] = [];

const person = (id: string, name: string, role: Role, more: Partial<Person> = {}): Person => ({
  ...{ id, name, role, created_at: SINCE, deactivated_at: null },
  ...more,
});

/** A hub that keeps people, the last admin among them, and invitations. */
function hub(people: Person[], invites: Invite[] = [], me = people[0]) {
  const made: NewInvite[] = [];
  signedOut.length = 0;
  const find = (id: unknown) => people.find((each) => each.id === id) as Person;
  const lastAdmin = (id: unknown) =>
    !people.some(
      (each) => each.role === "admin" && each.deactivated_at === null && each.id !== id,
    ) && refused(409, "last_admin", `${find(id).name} is the only admin.`, "Make another first.");
  server.use(
    http.get(`${API}/me`, () => HttpResponse.json(me)),
    http.get(`${API}/people`, () => HttpResponse.json({ items: people, next: null })),
    http.patch(`${API}/people/:id`, async ({ params, request }) => {
      const change = (await request.json()) as { role?: Role; active?: true };
      if (change.role === "member") {
        const no = lastAdmin(params.id);
        if (no) return no;
      }
      const found = find(params.id);
      if (change.role) found.role = change.role;
      if (change.active) found.deactivated_at = null;
      return HttpResponse.json(found);
    }),
    http.delete(`${API}/people/:id`, ({ params }) => {
      const no = lastAdmin(params.id);
      if (no) return no;
      find(params.id).deactivated_at = SINCE;
      return new HttpResponse(null, { status: 204 });
    }),
    http.delete(`${API}/people/:id/browsers`, ({ params }) => {
      signedOut.push(params.id as string);
      return new HttpResponse(null, { status: 204 });
    }),
    http.get(`${API}/invites`, () => HttpResponse.json({ items: invites, next: null })),
    http.post(`${API}/invites`, async ({ request }) => {
      const wish = (await request.json()) as NewInvite;
      made.push(wish);
      if ((wish.days ?? 1) > 90) {
        return refused(422, "invalid_input", "At most 90 days.", "Ask for fewer.");
      }
      const invite: Invite = {
        ...{ id: `i${invites.length}`, role: wish.role ?? "member", email: wish.email ?? null },
        ...{ uses_left: wish.uses ?? 1, created_by: "Ada", created_at: SINCE },
        expires_at: new Date(Date.now() + 7 * 86_400_000).toISOString(),
        link: null,
      };
      invites.unshift(invite);
      return HttpResponse.json({ ...invite, link: LINK }, { status: 201 });
    }),
    http.delete(`${API}/invites/:id`, ({ params }) => {
      const at = invites.findIndex((each) => each.id === params.id);
      invites.splice(at, 1);
      return new HttpResponse(null, { status: 204 });
    }),
  );
  return made;
}

const open = () => draw(<People />);

const row = async (list: string, name: string) => {
  const items = within(await screen.findByRole("list", { name: list })).getAllByRole("listitem");
  return items.find((item) => item.textContent?.includes(name)) as HTMLElement;
};
const choose = async (button: string, item: RegExp, role = "menuitemcheckbox") => {
  fireEvent.keyDown(screen.getByRole("button", { name: button }), { key: "Enter" });
  fireEvent.click(await screen.findByRole(role, { name: item }));
};
const two = () => [person("1", "Ada", "admin"), person("2", "Ben", "member")];

it("changes a role, and says beside the row why the last admin stays one", async () => {
  hub(two());
  open();
  expect((await row("People", "Ada")).textContent).toContain("you");
  await choose("Role of Ada: Admin", /^Member/);
  const told = await within(await row("People", "Ada")).findByRole("alert");
  expect(told.textContent).toContain("Ada is the only admin.");
  expect(told.textContent).toContain("Make another first.");
  expect(within(await row("People", "Ben")).queryByRole("alert")).toBeNull();

  await choose("Role of Ben: Member", /^Admin/);
  expect(await screen.findByRole("button", { name: "Role of Ben: Admin" })).toBeTruthy();
});

it("deactivates somebody once that is confirmed, and lets them in again", async () => {
  hub(two());
  open();
  await row("People", "Ben");
  await choose("More about Ben", /^Deactivate/, "menuitem");
  fireEvent.click(await screen.findByRole("button", { name: "Cancel" }));
  await choose("More about Ben", /^Deactivate/, "menuitem");
  const asked = await screen.findByRole("dialog", { name: "Deactivate Ben?" });
  expect(asked.textContent).toContain("signed out everywhere");
  fireEvent.click(within(asked).getByRole("button", { name: "Deactivate" }));

  expect(await row("Deactivated", "Ben")).toBeTruthy();
  expect(await row("People", "Ben")).toBeUndefined();
  fireEvent.click(screen.getByRole("button", { name: "Let Ben in again" }));
  await waitFor(async () => expect(await row("People", "Ben")).toBeTruthy());
  expect(screen.queryByRole("list", { name: "Deactivated" })).toBeNull();
});

it("signs somebody out everywhere once that is confirmed, and oneself not from here", async () => {
  hub(two());
  open();
  await row("People", "Ben");
  await choose("More about Ben", /^Sign out everywhere/, "menuitem");
  const asked = await screen.findByRole("dialog", { name: "Sign Ben out everywhere?" });
  expect(signedOut).toEqual([]);
  fireEvent.click(within(asked).getByRole("button", { name: "Sign out everywhere" }));
  await waitFor(() => expect(signedOut).toEqual(["2"]));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  fireEvent.keyDown(screen.getByRole("button", { name: "More about Ada" }), { key: "Enter" });
  await screen.findByRole("menuitem", { name: /^Deactivate/ });
  expect(screen.queryByRole("menuitem", { name: /^Sign out everywhere/ })).toBeNull();
});

it("tells the link of an invitation once, to be copied, and takes invitations back", async () => {
  const copied: string[] = [];
  vi.stubGlobal("navigator", {
    clipboard: { writeText: async (text: string) => copied.push(text) },
  });
  const made = hub(two());
  open();
  fireEvent.change(await screen.findByLabelText("For how many days"), { target: { value: "400" } });
  fireEvent.click(screen.getByRole("button", { name: "Make a link" }));
  expect((await screen.findByRole("alert")).textContent).toContain("At most 90 days.");

  await choose("Invite as: Member", /^Admin/);
  fireEvent.change(screen.getByLabelText("For how many days"), { target: { value: "" } });
  fireEvent.change(screen.getByLabelText("For how many people"), { target: { value: "3" } });
  fireEvent.click(screen.getByRole("button", { name: "Make a link" }));
  expect(await screen.findByText(LINK)).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Copy the link" }));
  await waitFor(() => expect(copied).toEqual([LINK]));
  fireEvent.click(screen.getByRole("button", { name: "I have it" }));
  await waitFor(() => expect(screen.queryByText(LINK)).toBeNull());
  expect(made.at(-1)).toEqual({ role: "admin", uses: 3, days: null, email: null });

  const listed = await row("Invitations", "3 people");
  expect(listed.textContent).toContain("as an admin");
  expect(listed.textContent).toContain("expires in 7 days");
  fireEvent.click(screen.getByRole("button", { name: "Take back the invitation for 3 people" }));
  await waitFor(() => expect(screen.queryByRole("list", { name: "Invitations" })).toBeNull());
});

it("sends a member to the admins, and asks the hub for nothing that it would refuse", async () => {
  const [ada, ben] = two() as [Person, Person];
  hub([ada, ben], [], ben);
  const asked: string[] = [];
  server.events.on("request:start", ({ request }) => asked.push(new URL(request.url).pathname));
  open();
  expect(await screen.findByText(/Admins look after people/)).toBeTruthy();
  expect(screen.queryByRole("button")).toBeNull();
  expect(asked).toEqual(["/api/me"]);
});
