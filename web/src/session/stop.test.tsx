// @vitest-environment jsdom
import { fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, it } from "vitest";
import { asked, beforeSessions, open } from "../../dev/session-in-jsdom";
import { stage } from "../../dev/steps";

beforeSessions();

const stops = () => asked.filter((request) => request === "POST stop").length;
const composer = () => screen.getByTestId<HTMLTextAreaElement>("composer");

it("stops a turn with Esc, once", async () => {
  await open("s-working", { role: "driver" });
  const button = await screen.findByTestId("stop");
  fireEvent.keyDown(window, { key: "Escape" });
  fireEvent.keyDown(window, { key: "Escape" });
  await waitFor(() => expect(stops()).toBe(1));
  expect(button.textContent).toContain("Stopping…");
  expect(composer().value).toBe("");
});

it("takes back what waits for the start, and gives its author the words", async () => {
  await open("s-starting", { role: "owner", name: "Ada" });
  const button = await screen.findByTestId("stop");
  fireEvent.change(composer(), { target: { value: "And tell me why." } });
  fireEvent.keyDown(window, { key: "Escape" });
  expect(stops()).toBe(0);
  fireEvent.click(button);
  await waitFor(() => expect(composer().value).toMatch(/^Importing.*\n\nAnd tell me why\.$/s));
  expect(stops()).toBe(1);
});

it("does not give one the words of others", async () => {
  await open("s-starting", { role: "driver", name: "Ben" });
  fireEvent.click(await screen.findByTestId("stop"));
  await waitFor(() => expect(screen.getByTestId("stop").textContent).toContain("Stopping…"));
  await waitFor(() => expect(stops()).toBe(1));
  expect(composer().value).toBe("");
});

it("stops the set-up that is run once more", async () => {
  await open("s-done", { role: "driver", more: [stage(5, "commands", "started")] });
  fireEvent.click(await screen.findByTestId("stop"));
  await waitFor(() => expect(stops()).toBe(1));
});

it("offers nothing to stop where nothing runs", async () => {
  await open("s-done", { role: "owner" });
  expect(await screen.findByTestId("composer")).toBeTruthy();
  await waitFor(() => expect(asked).toContain("GET events"));
  expect(screen.queryByTestId("stop")).toBeNull();
});
