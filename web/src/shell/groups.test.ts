import { expect, it } from "vitest";
import type { Session } from "@/api/types";
import { groupSessions } from "./groups";

const session = (id: string, state: Session["state"], role: Session["role"]) =>
  ({ id, state, role }) as Session;

it("has those wait for the reader whose questions they may answer", () => {
  const { waiting, working, recent } = groupSessions([
    session("own", "waiting", "owner"),
    session("driven", "waiting", "driver"),
    session("read", "waiting", "viewer"),
    session("busy", "working", "viewer"),
    session("done", "idle", "commenter"),
  ]);
  const ids = (sessions: Session[]) => sessions.map(({ id }) => id);
  expect(ids(waiting)).toEqual(["own", "driven"]);
  expect(ids(working)).toEqual(["read", "busy"]);
  expect(ids(recent)).toEqual(["done"]);
});
