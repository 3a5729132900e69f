// @vitest-environment jsdom
import { fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, it } from "vitest";
import { asked, beforeSessions, open } from "../../dev/session-in-jsdom";

beforeSessions();

const tabs = () =>
  ["Changes", "Editor", "Browser", "Terminal", "Preview", "Details"].filter((name) =>
    screen.queryByRole("button", { name }),
  );

it("gives a driver what answers the agent, and all panes", async () => {
  await open("s-permission", { role: "driver" });
  expect(await screen.findByTestId("permission-once")).toBeTruthy();
  expect(screen.getByTestId("composer")).toBeTruthy();
  expect(screen.getByTitle("Rename")).toBeTruthy();
  expect(tabs()).toHaveLength(6);
  expect(screen.getByTestId("session-state").textContent).toBe("Waits for you");
});

it.each(["viewer", "commenter"] as const)(
  "shows a %s what is asked, and whom to ask",
  async (role) => {
    await open("s-permission", { role });
    const card = await screen.findByTestId("permission-card");
    expect(card.textContent).toContain("git push origin v2.4.0");
    const note = await screen.findByTestId("onlooker");
    expect(note.textContent).toContain(`as a ${role}`);
    expect(note.textContent).toContain("ask Ada to make you a driver");
    for (const name of ["permission-once", "permission-reject", "composer", "stop", "drive"]) {
      expect(screen.queryByTestId(name)).toBeNull();
    }
    expect(screen.queryByTitle("Rename")).toBeNull();
    expect(tabs()).toEqual(["Changes", "Details"]);
    expect(screen.getByTestId("session-state").textContent).toBe("Waits for an answer");
    expect(screen.queryAllByLabelText("Waits for you")).toEqual([]);
    expect(screen.getAllByRole("img", { name: "Waits for an answer" }).length).toBeGreaterThan(1);

    fireEvent.keyDown(window, { key: "y", code: "KeyY", altKey: true });
    fireEvent.keyDown(window, { key: "t" });
    fireEvent.keyDown(window, { key: "e" });
    fireEvent.keyDown(screen.getByTestId("session-menu"), { key: "Enter" });
    const items = (await screen.findAllByRole("menuitem")).map((item) => item.textContent);
    expect(items).toEqual(["Export as Markdown", "Export as JSONL"]);
    const fields = screen.queryAllByRole("textbox", { hidden: true });
    expect(fields.map((field) => field.getAttribute("data-testid"))).toEqual(
      role === "commenter" ? ["comment-field"] : [],
    );
    expect(location.search).toBe("");
    expect(asked.filter((request) => !request.startsWith("GET events"))).toEqual([]);
  },
);

it("shows a viewer a question with nothing to press", async () => {
  await open("s-question", { role: "viewer" });
  const card = await screen.findByTestId("question-card");
  await screen.findByTestId("onlooker");
  const choices = [...card.querySelectorAll("input")];
  expect(choices.length).toBeGreaterThan(1);
  expect(choices.every((choice) => choice.matches(":disabled"))).toBe(true);
  expect(screen.queryByTestId("question-send")).toBeNull();
});

it("starts nothing in the sandbox for a viewer whom an address leads there", async () => {
  await open("s-working", { role: "viewer", search: "?pane=terminal" });
  expect(await screen.findByText(/open to drivers of this session/)).toBeTruthy();
  await waitFor(() => expect(asked).toContain("GET events"));
  expect(asked.filter((request) => !request.startsWith("GET events"))).toEqual([]);
});
