// @vitest-environment jsdom
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { expect, it } from "vitest";
import type { Browser } from "@/api/types";
import { API, bePatient, draw, listen, server } from "../../dev/page-in-jsdom";
import { SignIns } from "./SignIns";

const SINCE = "2026-01-01T00:00:00Z";

bePatient();
listen();

const browser = (id: string, more: Partial<Browser> = {}): Browser => ({
  ...{ id, device: id, address: "192.0.2.7", created_at: SINCE, last_seen_at: SINCE },
  ...{ expires_at: "2099-01-01T00:00:00Z", ended_at: null, here: false },
  ...more,
});

function hub(browsers: Browser[]) {
  const at = (id: unknown) => browsers.findIndex((each) => each.id === id);
  server.use(
    http.get(`${API}/me/browsers`, () => HttpResponse.json({ items: browsers, next: null })),
    http.delete(`${API}/me/browsers`, () => {
      browsers.splice(0, browsers.length, ...browsers.filter((each) => each.here));
      return new HttpResponse(null, { status: 204 });
    }),
    http.delete(`${API}/me/browsers/:id`, ({ params }) => {
      browsers.splice(at(params.id), 1);
      return new HttpResponse(null, { status: 204 });
    }),
  );
  draw(<SignIns />);
}

const rows = async () =>
  within(await screen.findByRole("list", { name: "Where you are signed in" }))
    .getAllByRole("listitem")
    .map((item) => item.textContent);

it("shows this browser first, which is not signed out here, and signs others out", async () => {
  hub([
    browser("Firefox on Linux"),
    browser("Safari on iPhone", { here: true }),
    browser("x", { device: null, address: null, last_seen_at: null }),
  ]);
  const found = await rows();
  expect(found[0]).toContain("Safari on iPhone · this browser");
  expect(found[0]).not.toContain("Sign out");
  expect(found[1]).toContain("192.0.2.7");
  expect(found[2]).toContain("A browser");
  fireEvent.click(screen.getByRole("button", { name: "Sign Firefox on Linux out" }));
  await waitFor(async () => expect(await rows()).toHaveLength(2));
});

it("signs all others out once that is confirmed", async () => {
  hub([browser("one"), browser("two"), browser("mine", { here: true })]);
  fireEvent.click(await screen.findByRole("button", { name: "Sign all others out" }));
  const dialog = await screen.findByRole("dialog");
  expect(screen.getByText("one")).toBeTruthy();
  fireEvent.click(within(dialog).getByRole("button", { name: "Sign them out" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  await waitFor(async () => expect(await rows()).toHaveLength(1));
  expect(screen.queryByRole("button", { name: "Sign all others out" })).toBeNull();
});

it("tells of one that had to be signed out until it is seen", async () => {
  hub([browser("mine", { here: true }), browser("Chrome on macOS", { ended_at: SINCE })]);
  const told = await screen.findByRole("alert");
  expect(told.textContent).toContain("Chrome on macOS was signed out");
  expect(await rows()).toHaveLength(1);
  fireEvent.click(within(told).getByRole("button", { name: "I have seen it" }));
  await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
});
