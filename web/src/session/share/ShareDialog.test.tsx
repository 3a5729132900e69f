// @vitest-environment jsdom
import { useQuery } from "@tanstack/react-query";
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { afterEach, expect, it, vi } from "vitest";
import { queries, queryClient } from "@/api/queries";
import type { Me, NewShareLink, Participant, Session, SessionRole, ShareLink } from "@/api/types";
import {
  API,
  bePatient,
  drawAt,
  listen,
  refused,
  server,
  stubLayout,
} from "../../../dev/page-in-jsdom";
import { ShareDialog } from "./ShareDialog";

const AT = "2026-01-01T00:00:00Z";

bePatient();
stubLayout();
listen();
afterEach(() => {
  closed.mockClear();
  links = [];
  publicAllowed = false;
});

const PEOPLE = { ada: "Ada", ben: "Ben", chi: "Chioma", dan: "Dan" };
type Id = keyof typeof PEOPLE;
const takesPart = (id: Id, role: SessionRole, author = false): Participant => ({
  ...{ id, name: PEOPLE[id], role, author, since: AT },
});

const LINK = "https://bunkhouse.example/share/told-once";
let links: ShareLink[] = [];
let publicAllowed = false;

/** A hub that keeps who takes part in the one session that Ada began. */
function hub(session: Session, me: Me, there: Participant[], refuse = false) {
  const done: string[] = [];
  const people = Object.entries(PEOPLE).map(([id, name]) => ({
    ...{ id, name, role: null, created_at: null, deactivated_at: null },
  }));
  server.use(
    http.get(`${API}/me`, () => HttpResponse.json(me)),
    http.get(`${API}/people`, () => HttpResponse.json({ items: people, next: null })),
    http.get(`${API}/sessions/s/people`, () => HttpResponse.json({ items: there, next: null })),
    http.get(`${API}/sessions/s/links`, () =>
      HttpResponse.json({ items: links, public_allowed: publicAllowed }),
    ),
    http.post(`${API}/sessions/s/links`, async ({ request }) => {
      const wish = (await request.json()) as NewShareLink;
      done.push(`link ${wish.public ? "public" : wish.role} ${wish.uses} ${wish.days}`);
      const link: ShareLink = {
        ...{ id: `l${links.length}`, role: wish.role ?? "viewer", public: wish.public ?? false },
        ...{ uses_left: wish.uses ?? null, created_by: "Ada", created_at: AT, link: null },
        expires_at: new Date(Date.now() + 7 * 86_400_000).toISOString(),
      };
      links.unshift(link);
      return HttpResponse.json({ ...link, link: LINK }, { status: 201 });
    }),
    http.delete(`${API}/sessions/s/links/:id`, ({ params }) => {
      done.push(`${params.id} revoked`);
      links.splice(
        links.findIndex((each) => each.id === params.id),
        1,
      );
      return new HttpResponse(null, { status: 204 });
    }),
    http.put(`${API}/sessions/s/people/:id`, async ({ params, request }) => {
      const { role } = (await request.json()) as { role: SessionRole };
      const id = params.id as Id;
      done.push(`${id} ${role}`);
      const known = there.find((each) => each.id === id);
      if (known) known.role = role;
      else there.push(takesPart(id, role));
      return HttpResponse.json(takesPart(id, role));
    }),
    http.delete(`${API}/sessions/s/people/:id`, ({ params }) => {
      done.push(`${params.id} leaves`);
      if (refuse) return refused(404, "not_found", "They left already.", null);
      there.splice(
        there.findIndex((each) => each.id === params.id),
        1,
      );
      return new HttpResponse(null, { status: 204 });
    }),
    http.patch(`${API}/sessions/s`, async ({ request }) => {
      const { visibility } = (await request.json()) as { visibility: Session["visibility"] };
      done.push(visibility);
      return HttpResponse.json({ ...session, visibility });
    }),
  );
  queryClient.setQueryData(queries.sessions.queryKey, [session]);
  return done;
}

const closed = vi.fn();

function Page() {
  const { data } = useQuery(queries.sessions);
  const session = data?.[0];
  return session && <ShareDialog open session={session} onClose={closed} />;
}

/** The dialog, on a page at `/sessions/s`; gives where the page is. */
async function open() {
  const router = drawAt("/sessions/s", Page);
  await screen.findByRole("list", { name: "Who takes part" });
  return router;
}

const session = (role: SessionRole, visibility: Session["visibility"] = "private") =>
  ({ id: "s", title: "Mend it", author: "Ada", updated_at: AT, role, visibility }) as Session;
const member = (id: Id): Me => ({ id, name: PEOPLE[id], role: "member" });
const rows = () =>
  within(screen.getByRole("list", { name: "Who takes part" }))
    .getAllByRole("listitem")
    .map((item) => item.textContent ?? "");

it("lets an owner add people, change their roles, remove them, and say who else sees it", async () => {
  const done = hub(session("owner"), member("ada"), [
    takesPart("ada", "owner", true),
    takesPart("ben", "driver"),
  ]);
  await open();
  expect(rows()[0]).toContain("Ada · you");
  expect(screen.queryByRole("button", { name: /^Role of Ada/ })).toBeNull();
  expect(screen.queryByRole("button", { name: "Leave" })).toBeNull();

  fireEvent.click(await screen.findByRole("button", { name: "Add somebody" }));
  const found = await screen.findAllByRole("option");
  expect(found.map((option) => option.textContent)).toEqual(["Chioma", "Dan"]);
  fireEvent.click(found[0] as HTMLElement);
  fireEvent.keyDown(screen.getByRole("button", { name: "Add as: Driver" }), { key: "Enter" });
  fireEvent.click(await screen.findByRole("menuitemcheckbox", { name: /^Viewer/ }));
  fireEvent.click(screen.getByRole("button", { name: "Add" }));
  expect(await screen.findByRole("button", { name: "Role of Chioma: Viewer" })).toBeTruthy();

  fireEvent.keyDown(screen.getByRole("button", { name: "Role of Ben: Driver" }), { key: "Enter" });
  fireEvent.click(await screen.findByRole("menuitemcheckbox", { name: /^Owner/ }));
  expect(await screen.findByRole("button", { name: "Role of Ben: Owner" })).toBeTruthy();

  fireEvent.click(screen.getByRole("button", { name: "Remove Chioma" }));
  await waitFor(() => expect(rows()).toHaveLength(2));

  fireEvent.click(screen.getByRole("radio", { name: /^Joinable/ }));
  await waitFor(() => {
    const joinable = screen.getByRole<HTMLInputElement>("radio", { name: /^Joinable/ });
    expect([joinable.checked, joinable.matches(":disabled")]).toEqual([true, false]);
  });
  expect(done).toEqual(["chi viewer", "ben owner", "chi leaves", "joinable"]);
});

it("shows it all to a viewer, who can change nothing of it", async () => {
  hub(session("viewer", "visible"), member("dan"), [
    takesPart("ada", "owner", true),
    takesPart("ben", "driver"),
  ]);
  await open();
  expect(screen.getByText(/You are a viewer of this session/).textContent).toContain("ask Ada");
  expect(rows()[1]).toContain("Driver");
  for (const radio of screen.getAllByRole<HTMLInputElement>("radio")) {
    expect(radio.matches(":disabled")).toBe(true);
    expect(radio.checked).toBe(radio.value === "visible");
  }
  expect(screen.getAllByRole("button").map((button) => button.getAttribute("aria-label"))).toEqual([
    "Close",
  ]);
});

it("says so where somebody can’t be removed", async () => {
  const there = [takesPart("ada", "owner", true), takesPart("ben", "driver")];
  hub(session("owner"), member("ada"), there, true);
  await open();
  fireEvent.click(screen.getByRole("button", { name: "Remove Ben" }));
  expect((await screen.findByRole("alert")).textContent).toContain("They left already.");
});

it.each([
  ["private", "won’t see it any more", "/"],
  ["visible", "what everybody has here", "/sessions/s"],
] as const)("lets one leave a session that is %s, once that is said", async (seen, words, path) => {
  const there = [takesPart("ada", "owner", true), takesPart("ben", "driver")];
  const done = hub(session("driver", seen), member("ben"), there);
  const router = await open();
  fireEvent.click(screen.getByRole("button", { name: "Leave" }));
  expect(screen.getByText(new RegExp(words))).toBeTruthy();
  expect(done).toEqual([]);
  fireEvent.click(screen.getByRole("button", { name: "Leave" }));
  await waitFor(() => expect(closed).toHaveBeenCalled());
  await waitFor(() => expect(router.state.location.pathname).toBe(path));
  expect(done).toEqual(["ben leaves"]);
});

it("makes links for others, shows each once, and takes them back", async () => {
  const done = hub(session("owner"), member("ada"), [takesPart("ada", "owner", true)]);
  await open();
  fireEvent.click(await screen.findByRole("button", { name: "Make a link" }));
  fireEvent.keyDown(screen.getByRole("button", { name: "Link for: Viewer" }), { key: "Enter" });
  // Owners are added by name, and there are no public links here.
  const offered = (await screen.findAllByRole("menuitemcheckbox")).map((item) => item.textContent);
  expect(offered.map((text) => text?.slice(0, 6))).toEqual(["Driver", "Commen", "Viewer"]);
  fireEvent.click(screen.getByRole("menuitemcheckbox", { name: /^Driver/ }));
  fireEvent.change(screen.getByLabelText("For how many people"), { target: { value: "2" } });
  fireEvent.click(screen.getByRole("button", { name: "Make the link" }));
  expect(await screen.findByText(LINK)).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "I have it" }));
  await waitFor(() => expect(screen.queryByText(LINK)).toBeNull());
  const listed = await screen.findByRole("list", { name: "Share links" });
  expect(listed.textContent).toContain("2 people as a driver");
  fireEvent.click(screen.getByRole("button", { name: /^Take back/ }));
  await waitFor(() => expect(screen.queryByRole("list", { name: "Share links" })).toBeNull());
  expect(done).toEqual(["link driver 2 null", "l0 revoked"]);
});

it("makes public links where an admin allows them, for no number of people", async () => {
  publicAllowed = true;
  const done = hub(session("owner"), member("ada"), [takesPart("ada", "owner", true)]);
  await open();
  fireEvent.click(await screen.findByRole("button", { name: "Make a link" }));
  fireEvent.keyDown(screen.getByRole("button", { name: "Link for: Viewer" }), { key: "Enter" });
  fireEvent.click(await screen.findByRole("menuitemcheckbox", { name: /^Everybody/ }));
  await waitFor(() => expect(screen.queryByLabelText("For how many people")).toBeNull());
  fireEvent.change(screen.getByLabelText("For how many days"), { target: { value: "3" } });
  fireEvent.click(screen.getByRole("button", { name: "Make the link" }));
  expect(await screen.findByText(LINK)).toBeTruthy();
  const listed = await screen.findByRole("list", { name: "Share links" });
  expect(listed.textContent).toContain("Everybody who has it reads along");
  expect(done).toEqual(["link public null 3"]);
});
