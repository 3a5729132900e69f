// @vitest-environment jsdom
import { act, renderHook } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { HUB } from "./client";
import { rememberPresence, setYou, Typing, useOthers } from "./presence";

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => {
  server.resetHandlers();
  vi.restoreAllMocks();
});
afterAll(() => server.close());

it("tells the hub seldom that one types, and at once that one does not", async () => {
  const said: boolean[] = [];
  server.use(
    http.post(`${HUB}/api/sessions/s/typing`, async ({ request }) => {
      said.push(((await request.json()) as { typing: boolean }).typing);
      return new HttpResponse(null, { status: 204 });
    }),
  );
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  const typing = new Typing("s");
  typing.done();
  for (now = 0; now < 7000; now += 100) typing.typed("word");
  typing.done();
  typing.done();
  typing.typed("");
  await vi.waitFor(() => expect(said).toEqual([true, true, true, false]));
});

it("is not disturbed by a hub that does not listen", async () => {
  server.use(http.post(`${HUB}/api/sessions/s/typing`, () => HttpResponse.error()));
  new Typing("s").typed("word");
});

it("knows the others of each session, and at each connection forgets who was there at the last", () => {
  const ada = { id: "a", name: "Ada", typing: false };
  const here = renderHook(() => useOthers("s")).result;
  const there = renderHook(() => useOthers("t")).result;
  act(() => setYou("me", [{ session_id: "s", people: [{ ...ada, id: "me" }, ada] }]));
  expect(here.current).toEqual([ada]);
  act(() => rememberPresence({ session_id: "t", people: [ada] }));
  expect(there.current).toEqual([ada]);
  act(() => setYou("me", [{ session_id: "s", people: [ada] }]));
  expect(there.current).toEqual([]);
  act(() => rememberPresence({ session_id: "s", people: [] }));
  expect(here.current).toEqual([]);
});
