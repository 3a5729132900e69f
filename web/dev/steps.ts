/** The steps that recordings are put together from: words, tool calls, stages. */
import type { LogEvent, Session } from "../src/api/types";

export type Made = { type: LogEvent["type"] } & Record<string, unknown>;

/** A step of a recording: how long after the one before it, in milliseconds, and what happens. */
export type Step = [number, Made];

export const BLANK: Partial<Record<LogEvent["type"], object>> = {
  session_created: {},
  state_changed: { reason: null },
  stage: { detail: null, progress: null, ms: null },
  error: { remedy: null, detail: null, suggestions: [] },
  prompt_queued: {
    model: null,
    author: "Ada",
    kind: "prompt",
    attachments: [],
    when: "queue",
    position: null,
  },
  prompt_edited: { model: null, attachments: [], by: "Ada" },
  prompt_moved: { when: "queue", by: "Ada" },
  service_changed: { detail: null, progress: null, ms: null },
  drive_ended: { note: null, files: [], commands: [] },
  turn_started: { model: "demo/demo" },
  turn_ended: {
    message: null,
    code: null,
    ms: null,
    input_tokens: null,
    output_tokens: null,
    cost: null,
  },
  tool_call: { tool: "bash", kind: "execute", title: "", status: "pending", input: {} },
  tool_call_update: {
    status: null,
    title: null,
    input: null,
    output: null,
    output_truncated: false,
    output_left_out: 0,
    whole_output: null,
    diff: null,
    pictures: null,
    exit_code: null,
    error: null,
    ms: null,
  },
  permission_requested: { tool_call_id: null, patterns: [], always: [] },
  question_asked: { tool_call_id: null },
  hub_tool_called: {
    by: "Ada",
    turn_id: null,
    outcome: "done",
    message: "It is done.",
    code: null,
    session_id: null,
    picture: null,
    caption: "",
  },
  egress_refused: { protocol: "tcp", count: 1 },
};

export function complete(event: Made, seq: number, at: string): LogEvent {
  return { seq, first_seq: null, at, ...BLANK[event.type], ...event } as unknown as LogEvent;
}

const BEGAN = Date.parse("2026-11-23T10:00:00Z");

/** A log as the hub would have it: numbered from 1, each event a second after the one before. */
export function logOf(...events: Made[]): LogEvent[] {
  return events.map((event, index) =>
    complete(event, index + 1, new Date(BEGAN + index * 1000).toISOString()),
  );
}

export let ids = 0;
export const id = (prefix: string) => `${prefix}${++ids}`;

export function say(text: string, ms = 30, thought = false): Step[] {
  const message_id = id("msg_");
  const type = thought ? "agent_thought_chunk" : "agent_message_chunk";
  const words = text.match(/\S+\s*|\s+/g) ?? [];
  return words.map((word) => [ms, { type, message_id, text: word }]);
}
export const think = (text: string) => say(text, 60, true);

interface Call {
  tool: string;
  kind: string;
  title: string;
  input?: object;
  output?: string;
  diff?: string;
  ms?: number;
  fails?: number;
  error?: string;
  pictures?: object[];
}

export function call({
  tool,
  kind,
  title,
  input = {},
  output = "",
  diff,
  ms = 40,
  fails,
  error,
  pictures,
}: Call): Step[] {
  const tool_call_id = id("call_");
  return [
    [60, { type: "tool_call", tool_call_id, tool, kind, title, input }],
    [10, { type: "tool_call_update", tool_call_id, status: "in_progress" }],
    ...(kind === "execute" && ms > 500
      ? output
          .split(/(?<=\n)/)
          .map(
            (text): Step => [
              ms / output.split("\n").length,
              { type: "tool_output_chunk", tool_call_id, text },
            ],
          )
      : []),
    [
      kind === "execute" && ms > 500 ? 20 : ms,
      {
        type: "tool_call_update",
        tool_call_id,
        status: fails || error ? "failed" : "completed",
        output,
        diff: diff ?? null,
        pictures: pictures ?? null,
        exit_code: kind === "execute" ? (fails ?? 0) : null,
        error: error ?? null,
        ms,
      },
    ],
  ];
}

export const state = (previous: string, next: string, reason: string | null = null): Step => [
  5,
  { type: "state_changed", previous, state: next, reason },
];
export const stage = (wait: number, name: string, status: string, more: object = {}): Step => [
  wait,
  { type: "stage", name, status, ...more },
];

export const begin = (session: Session, prompt: string): Step[] => [
  [
    0,
    {
      type: "session_created",
      repository: session.repository,
      branch: session.branch,
      model: session.model,
      title: session.title,
      author: "Ada",
    },
  ],
  [2, { type: "prompt_queued", prompt_id: "p1", text: prompt }],
];

export const ready: Step[] = [
  state("queued", "starting"),
  stage(10, "container", "started"),
  stage(420, "container", "done", { ms: 420, detail: "2 CPUs, 4 GiB" }),
  stage(5, "connect", "started"),
  stage(180, "connect", "done", { ms: 180 }),
  stage(5, "clone", "started"),
  stage(5, "agent", "started", { detail: "OpenCode 1.18.33" }),
  stage(350, "clone", "progress", { detail: "1,204 of 9,000 objects", progress: 0.13 }),
  stage(500, "clone", "progress", { detail: "6,810 of 9,000 objects", progress: 0.75 }),
  stage(400, "clone", "done", { ms: 1260, detail: "main at 4f2c91e" }),
  stage(1900, "agent", "done", { ms: 3160, detail: "OpenCode 1.18.33" }),
  state("starting", "idle"),
];
