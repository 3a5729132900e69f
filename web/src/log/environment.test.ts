import { expect, it } from "vitest";
import { logOf, type Made } from "../../dev/steps";
import { transcriptOf } from "../../dev/transcript-of";
import { interest } from "./environment";
import { fold } from "./fold";
import { EMPTY } from "./model";

const FILE = { path: "a.py", status: "modified", additions: 1, deletions: 0 };
const changed: Made = { type: "workspace_changed", additions: 1, deletions: 0, files: [FILE] };

it("knows what runs, since when, and forgets it with the sandbox", () => {
  const events = logOf(
    { type: "service_changed", name: "editor", state: "starting", detail: "Unpacking" },
    { type: "service_changed", name: "editor", state: "starting", progress: 0.5 },
    { type: "service_changed", name: "editor", state: "ready", ms: 900 },
    { type: "ports_changed", ports: [{ port: 5173, process: "node" }] },
    { type: "state_changed", previous: "idle", state: "hibernated" },
  );
  const starting = fold(EMPTY, events.slice(0, 2));
  expect(starting.services.editor).toMatchObject({ progress: 0.5, since: events[0]?.at });
  expect(fold(EMPTY, events.slice(0, 4)).services.editor?.state).toBe("ready");
  const asleep = fold(EMPTY, events);
  expect([asleep.services, asleep.ports]).toEqual([{}, []]);
});

it("tells of a port once, and lists what listens now", () => {
  const transcript = transcriptOf(
    { type: "ports_changed", ports: [{ port: 5173, process: "node" }] },
    { type: "ports_changed", ports: [] },
    {
      type: "ports_changed",
      ports: [
        { port: 5173, process: "node" },
        { port: 8000, process: null },
      ],
    },
  );
  expect(transcript.blocks.map((block) => block.key)).toEqual(["port:5173", "port:8000"]);
  expect(transcript.ports.map(({ port, seq }) => [port, seq])).toEqual([
    [5173, 3],
    [8000, 3],
  ]);
});

it("lets a person drive: what is written waits, and the hand-back goes first", () => {
  const events = logOf(
    { type: "prompt_queued", prompt_id: "a", text: "Do it" },
    { type: "turn_started", turn_id: "a" },
    { type: "drive_requested", by: "Ada" },
    { type: "turn_ended", turn_id: "a", outcome: "paused" },
    { type: "drive_started", snapshot: "t" },
    { type: "prompt_queued", prompt_id: "b", text: "Then this", author: "Bob" },
    {
      type: "drive_ended",
      by: "Ada",
      note: "Mind the tests",
      files: [FILE],
      commands: [{ command: "ls", cwd: "/workspace", exit_code: 0 }],
    },
    { type: "prompt_queued", prompt_id: "c", text: "Ada drove", kind: "hand_back" },
    { type: "turn_started", turn_id: "c" },
  );
  const asked = fold(EMPTY, events.slice(0, 3));
  expect(asked.drive).toMatchObject({ by: "Ada", state: "requested" });
  const driving = fold(asked, events.slice(0, 6));
  expect(driving.drive).toMatchObject({ by: "Ada", state: "driving", since: events[4]?.at });
  expect(driving.queue.map((prompt) => prompt.promptId)).toEqual(["b"]);
  const after = fold(driving, events);
  expect(after.drive).toBeNull();
  expect(after.queue.map((prompt) => prompt.promptId)).toEqual(["b"]);
  expect(after.blocks.map((block) => block.kind)).toEqual([
    "prompt",
    "drive",
    "turn_end",
    "drive",
    "hand_back",
    "prompt",
  ]);
  expect(after.blocks[0]).toMatchObject({ status: "paused" });
  expect(after.blocks[4]).toMatchObject({ note: "Mind the tests", ms: 2000 });
  expect(after.blocks[5]).toMatchObject({ origin: "hand_back", status: "working" });
  expect(fold(EMPTY, events)).toEqual(after);
});

it("is one line where nothing had to stop first", () => {
  const transcript = transcriptOf(
    { type: "drive_requested", by: "Ada" },
    { type: "drive_started", snapshot: "t" },
  );
  expect(transcript.blocks).toMatchObject([{ kind: "drive", status: "driving" }]);
});

it("finds interesting what came last and is still there", () => {
  const serves: Made = { type: "ports_changed", ports: [{ port: 80, process: null }] };
  const browses: Made = { type: "service_changed", name: "desktop", state: "ready" };
  const stops: Made = { type: "service_changed", name: "desktop", state: "stopped" };
  expect(interest(EMPTY)).toBeNull();
  expect(interest(transcriptOf(changed, serves))).toBe("preview");
  expect(interest(transcriptOf(serves, browses))).toBe("browser");
  expect(interest(transcriptOf(changed, browses, stops))).toBe("changes");
});

it("keeps a tool's pictures", () => {
  const picture = { blob: "a1", mime: "image/png", size: 1, width: 2, height: 3 };
  const call = { tool: "shot", kind: "other", title: "", status: "pending", input: {} };
  const transcript = transcriptOf(
    { type: "tool_call", tool_call_id: "t", ...call },
    { type: "tool_call_update", tool_call_id: "t", status: "completed", pictures: [picture] },
    { type: "tool_call_update", tool_call_id: "t", pictures: null },
  );
  expect(transcript.blocks[0]).toMatchObject({ pictures: [picture] });
});
