// @vitest-environment jsdom
import { fireEvent, screen, waitFor } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { afterEach, expect, it } from "vitest";
import { Refusal } from "@/api/client";
import { sessionActions } from "@/api/queries";
import type { LogEvent } from "@/api/types";
import { fold } from "@/log/fold";
import { EMPTY } from "@/log/model";
import {
  API,
  bePatient,
  draw,
  listen,
  refused,
  server,
  stubLayout,
} from "../../../dev/page-in-jsdom";
import { Composer } from "../Composer";
import { SessionContext, type SessionPageState } from "../context";
import { CommentField } from "./CommentField";
import { CommentView } from "./CommentView";

const AT = "2026-01-01T00:00:00Z";

bePatient();
stubLayout();
listen();
afterEach(() => localStorage.clear());

const posted = (text: string, seq = 1) =>
  ({
    ...{ type: "comment_posted", seq, first_seq: null, at: AT },
    ...{ comment_id: `cm${seq}`, author: "Ben", text },
  }) as LogEvent;

/** A session's page with these parts, as somebody who drives or does not; gives what was posted. */
function open(drives: boolean, parts: React.ReactNode, refuse = false) {
  const said: string[] = [];
  const failures: unknown[] = [];
  server.use(
    http.get(`${API}/me`, () => HttpResponse.json({ id: "u2", name: "Ben", role: "member" })),
    http.get(`${API}/models`, () => HttpResponse.json({ default: "", items: [], providers: [] })),
    http.post(`${API}/sessions/s/comments`, async ({ request }) => {
      if (refuse) {
        return refused(413, "too_large", "Too long.", null);
      }
      expect(request.headers.get("Idempotency-Key")).toBeTruthy();
      const { text } = (await request.json()) as { text: string };
      said.push(text);
      return HttpResponse.json({ id: "cm", author: "Ben", text, created_at: AT }, { status: 201 });
    }),
  );
  const page: SessionPageState = {
    ...{ id: "s", session: undefined, drives, transcript: EMPTY, state: "idle" },
    actions: sessionActions("s"),
    act: async (deed) => {
      try {
        await deed;
        return true;
      } catch (error) {
        failures.push(error);
        return false;
      }
    },
    ...{ showPane: () => {}, place: {}, share: () => {}, full: false },
  };
  draw(<SessionContext value={page}>{parts}</SessionContext>);
  return { said, failures };
}

const block = () => {
  const [found] = fold(EMPTY, [posted("Why so?\n\nReally.")]).blocks;
  if (found?.kind !== "comment") throw new Error("It is no comment.");
  return found;
};
const field = () => screen.getByTestId<HTMLTextAreaElement>("comment-field");

it("folds to a person's word, in its place", () => {
  const blocks = fold(EMPTY, [posted("One"), posted("Two", 2)]).blocks;
  expect(blocks.map((each) => each.kind === "comment" && each.text)).toEqual(["One", "Two"]);
});

it("is posted from the commenter's field, which is empty then", async () => {
  const { said } = open(false, <CommentField />);
  fireEvent.change(field(), { target: { value: "  Looks right " } });
  fireEvent.keyDown(field(), { key: "Enter", ctrlKey: true });
  expect(field().value).toBe("");
  await waitFor(() => expect(said).toEqual(["Looks right"]));
});

it("comes back into the field where it is refused", async () => {
  const { failures } = open(false, <CommentField />, true);
  fireEvent.change(field(), { target: { value: "Too long" } });
  fireEvent.click(screen.getByTestId("comment-send"));
  fireEvent.change(field(), { target: { value: "and more" } });
  await waitFor(() => expect(field().value).toBe("Too long\n\nand more"));
  expect(failures[0]).toBeInstanceOf(Refusal);
});

it("is a driver's choice beside what goes to the agent", async () => {
  const { said } = open(true, <Composer />);
  expect(screen.queryByTestId("comment-send")).toBeNull();
  fireEvent.change(screen.getByTestId("composer"), { target: { value: "For you all" } });
  fireEvent.click(screen.getByTestId("comment-send"));
  await waitFor(() => expect(said).toEqual(["For you all"]));
  expect(screen.getByTestId<HTMLTextAreaElement>("composer").value).toBe("");
});

it("is quoted into a driver's field, after what is there", () => {
  open(
    true,
    <>
      <CommentView block={block()} />
      <Composer />
    </>,
  );
  const composer = screen.getByTestId<HTMLTextAreaElement>("composer");
  fireEvent.change(composer, { target: { value: "Hear this:" } });
  fireEvent.click(screen.getByTestId("quote"));
  expect(composer.value).toBe("Hear this:\n\nBen commented:\n\n> Why so?\n>\n> Really.\n");
  expect(document.activeElement).toBe(composer);
});

it("can't be quoted by who does not drive", () => {
  open(false, <CommentView block={block()} />);
  expect(screen.getByTestId("comment").textContent).toContain("Ben");
  expect(screen.queryByTestId("quote")).toBeNull();
});
