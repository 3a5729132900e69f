/** What a session's log amounts to, as the page shows it. */
import type {
  Attachment,
  ChangedFile,
  DriveCommand,
  EventOf,
  Picture,
  PlanEntry,
  PullRequestEvent,
  ServiceName,
  ServiceState,
  SessionState,
  When,
  WholeOutput,
} from "@/api/types";

export interface PromptBlock {
  kind: "prompt";
  key: string;
  promptId: string;
  /** `hand_back`: the hub tells the agent what a person did; nobody typed it. */
  origin: EventOf<"prompt_queued">["kind"];
  text: string;
  author: string;
  /** Where it is another than the session's. */
  model: string | null;
  attachments: readonly Attachment[];
  /** `now`: it is to wait no longer. */
  when: When;
  at: string;
  status: "queued" | "working" | EventOf<"turn_ended">["outcome"];
  /** The place at which it was queued: by it one goes back to before it. */
  asked: number;
  /** The agent read it within the turn of another. */
  steered: boolean;
}

/** A run of consecutive frames in a text: the `seq` of its first, and where its text begins. */
export interface FrameRun {
  first: number;
  offset: number;
}

interface TextBlock {
  key: string;
  messageId: string;
  text: string;
  at: string;
  /** When its newest frame was made. */
  until: string;
  lastSeq: number;
  runs: readonly FrameRun[];
  /** No more of it is to come, for all that is known. */
  complete: boolean;
}

export interface MessageBlock extends TextBlock {
  kind: "message";
}

export interface ThoughtBlock extends TextBlock {
  kind: "thought";
}

type ToolCallEvent = EventOf<"tool_call">;

export interface ToolBlock {
  kind: "tool";
  key: string;
  id: string;
  tool: string;
  toolKind: ToolCallEvent["kind"];
  title: string;
  /** `stopped`: its turn ended and nothing more was heard of it. */
  status: ToolCallEvent["status"] | "stopped";
  input: Readonly<Record<string, unknown>>;
  output: string;
  outputFinal: boolean;
  outputTruncated: boolean;
  /** Bytes that are missing in the middle of the output, where a line says so. */
  leftOut: number;
  wholeOutput: WholeOutput | null;
  diff: string | null;
  pictures: readonly Picture[];
  exitCode: number | null;
  error: string | null;
  ms: number | null;
  at: string;
  lastSeq: number;
  runs: readonly FrameRun[];
  /** With whose rights the hub served it; null: it is none of the hub's, or was not served yet. */
  by: string | null;
}

export type StageName = EventOf<"stage">["name"];

export interface StageView {
  name: StageName;
  status: EventOf<"stage">["status"];
  detail: string | null;
  progress: number | null;
  ms: number | null;
  /** When it was first heard of. */
  at: string;
}

/** What a run of stages is for. `again`: a person has the set-up commands run once more. */
export type SetupPurpose = "start" | "wake" | "sleep" | "keep" | "again";

export interface SetupBlock {
  kind: "setup";
  purpose: SetupPurpose;
  key: string;
  at: string;
  stages: readonly StageView[];
  /** It goes on: stages may still come. */
  open: boolean;
}

export interface ProblemBlock {
  kind: "problem";
  key: string;
  at: string;
  code: string;
  message: string;
  remedy: string | null;
  detail: string | null;
  suggestions: readonly string[];
}

export interface NoticeBlock {
  kind: "notice";
  key: string;
  at: string;
  code: string;
  message: string;
}

export interface RetryBlock {
  kind: "retry";
  key: string;
  at: string;
  attempt: number;
  message: string;
  nextAt: string | null;
  /** The model answered after all, or the turn is over. */
  over: boolean;
}

export interface RefusedBlock {
  kind: "refused";
  key: string;
  at: string;
  host: string;
  port: number;
  protocol: "tcp" | "udp";
  reason: string;
  count: number;
}

export interface PermissionBlock {
  kind: "permission";
  key: string;
  at: string;
  request: EventOf<"permission_requested">;
  reply: EventOf<"permission_resolved">["reply"] | null;
  by: string | null;
}

export interface QuestionBlock {
  kind: "question";
  key: string;
  at: string;
  request: EventOf<"question_asked">;
  /** Undefined while it waits, null where it was dismissed. */
  answers: string[][] | null | undefined;
  by: string | null;
}

export interface TurnEndBlock {
  kind: "turn_end";
  key: string;
  at: string;
  turnId: string;
  outcome: EventOf<"turn_ended">["outcome"];
  message: string | null;
  code: string | null;
  ms: number | null;
  inputTokens: number | null;
  outputTokens: number | null;
  cost: number | null;
}

/** Something in the sandbox began to listen; told the first time only. */
export interface PortBlock {
  kind: "port";
  key: string;
  at: string;
  port: number;
  process: string | null;
}

/** A person asked to drive, or does. */
export interface DriveBlock {
  kind: "drive";
  key: string;
  at: string;
  by: string;
  status: "requested" | "driving";
}

/** A person handed back: what they did, as the agent is told. */
export interface HandBackBlock {
  kind: "hand_back";
  key: string;
  at: string;
  by: string;
  note: string | null;
  files: readonly ChangedFile[];
  commands: readonly DriveCommand[];
  /** How long they drove, in milliseconds, where that is known. */
  ms: number | null;
}

/** Chat and files went back to an earlier prompt. */
export interface RewoundBlock {
  kind: "rewound";
  key: string;
  at: string;
  by: string;
  /** Nothing was said since then: it may go forward again. */
  open: boolean;
}

/** The session began as a copy of another: what stands before this was said there. */
export interface ForkedBlock {
  kind: "forked";
  key: string;
  at: string;
  by: string;
  sessionId: string;
  title: string;
}

/** Something that happened at the repository's forge; what people wrote there is theirs. */
export interface ForgeBlock {
  kind: "forge";
  key: string;
  at: string;
  event: PullRequestEvent;
}

/** A person's word for the others who read along; the agent does not get it. */
export interface CommentBlock {
  kind: "comment";
  key: string;
  at: string;
  author: string;
  text: string;
}

/** What the session's repository is set up with, and who said so. */
export interface ConfiguredBlock {
  kind: "configured";
  key: string;
  at: string;
  event: EventOf<"repository_configured">;
}

/** A tool of the hub was called by other than the agent itself. */
export interface HubToolBlock {
  kind: "hub_tool";
  key: string;
  at: string;
  event: EventOf<"hub_tool_called">;
}

/** A session was started as a child of this one. */
export interface ChildBlock {
  kind: "child";
  key: string;
  at: string;
  sessionId: string;
  title: string;
  by: string;
}

interface Placed {
  /** Where it began in the log. */
  seq?: number | undefined;
  /** It does not count, since the session was taken back to before it. */
  undone?: "for now" | "for good" | undefined;
}

type AnyBlock =
  | PromptBlock
  | MessageBlock
  | ThoughtBlock
  | ToolBlock
  | SetupBlock
  | ProblemBlock
  | NoticeBlock
  | RetryBlock
  | RefusedBlock
  | PermissionBlock
  | QuestionBlock
  | TurnEndBlock
  | PortBlock
  | DriveBlock
  | HandBackBlock
  | RewoundBlock
  | ForkedBlock
  | ForgeBlock
  | CommentBlock
  | ConfiguredBlock
  | HubToolBlock
  | ChildBlock;

export type Block = AnyBlock & Placed;

/** A part of the sandbox that runs only when it is needed. */
export interface ServiceView {
  seq: number;
  name: ServiceName;
  state: ServiceState;
  detail: string | null;
  progress: number | null;
  ms: number | null;
  /** Since when it is in this state. */
  since: string;
}

export interface PortView {
  port: number;
  process: string | null;
  /** The `seq` of the event that first had it, since it last began to listen. */
  seq: number;
}

/** Who drives instead of the agent, or is about to. */
export interface DriveView {
  by: string;
  state: "requested" | "driving";
  since: string;
}

/** How far the session is rewound, or is about to be. */
export interface RewindView {
  state: "requested" | "rewound";
  by: string;
  /** The prompt before which it is; null: it goes forward again. */
  promptId: string | null;
  /** While it is requested: what holds if it fails. */
  before: RewindView | null;
  /** The plan that is undone with the rest; null: none is. */
  plan: readonly PlanEntry[] | null;
}

export interface Transcript {
  /** The newest `seq` that is part of this. */
  lastSeq: number;
  created: EventOf<"session_created"> | null;
  state: SessionState | null;
  stateReason: string | null;
  stateSince: string | null;
  /** In the order in which they are read. A block that did not change stays the same object. */
  blocks: readonly Block[];
  /** Prompts that wait for their turn and are not part of `blocks` yet. */
  queue: readonly PromptBlock[];
  plan: readonly PlanEntry[];
  /** Where it was made. */
  planSeq: number;
  turn: { id: string; model: string; startedAt: string } | null;
  /** What a person is asked and has not answered, oldest first. */
  pending: readonly (PermissionBlock | QuestionBlock)[];
  workspace: {
    seq: number;
    additions: number;
    deletions: number;
    files: readonly ChangedFile[];
  } | null;
  /** What the sandbox was refused, one entry for each target. */
  refused: readonly RefusedBlock[];
  usage: { turns: number; inputTokens: number; outputTokens: number; cost: number | null };
  services: Readonly<Partial<Record<ServiceName, ServiceView>>>;
  /** What listens in the sandbox now. */
  ports: readonly PortView[];
  drive: DriveView | null;
  rewind: RewindView | null;
}

export const EMPTY: Transcript = {
  lastSeq: 0,
  created: null,
  state: null,
  stateReason: null,
  stateSince: null,
  blocks: [],
  queue: [],
  plan: [],
  planSeq: 0,
  turn: null,
  pending: [],
  workspace: null,
  refused: [],
  usage: { turns: 0, inputTokens: 0, outputTokens: 0, cost: null },
  services: {},
  ports: [],
  drive: null,
  rewind: null,
};
