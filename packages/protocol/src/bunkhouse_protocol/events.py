"""What happens in a session, one type for each kind of event.

A session's log is a sequence of these. An event is *made* without a place (`seq` 0) and gets the
next `seq` of its session when the hub stores it. On the wire it is one flat JSON object:
`{"seq": 7, "at": "…", "type": "stage", …payload}`.

Names follow the Agent Client Protocol where it has one (`agent_message_chunk`, `tool_call`,
`plan`).

*Frames* (`FRAMES`) are pieces of a text that streams: consecutive ones of the same text may be
*folded* into one event of the same type whose text is theirs put together; it then stands at the
`seq` of the last and says in `first_seq` where the first was. A reader that puts texts together
gets the same result from both forms.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


def _now() -> datetime:
    return datetime.now(UTC)


class EventBase(BaseModel):
    """What all events share: their place in the log and their time."""

    model_config = ConfigDict(extra="ignore")

    seq: int = 0
    """Place in the session's log, from 1 without gaps; 0 until the hub has stored the event."""
    first_seq: int | None = None
    """For a folded run of frames: the place of its first frame (`seq` is that of its last)."""
    at: datetime = Field(default_factory=_now)
    """When it happened, by the clock of whoever made the event (UTC)."""


SessionState = Literal[
    "queued",
    "starting",
    "idle",
    "working",
    "waiting",
    "hibernating",
    "hibernated",
    "restoring",
    "ended",
    "failed",
]

# ── the session ──────────────────────────────────────────────────────────────────────────────


class SessionCreated(EventBase):
    """The first event of every log."""

    type: Literal["session_created"] = "session_created"
    repository: str | None
    branch: str | None
    model: str
    title: str
    author: str


class StateChanged(EventBase):
    """The session moved through its life cycle."""

    type: Literal["state_changed"] = "state_changed"
    previous: SessionState
    state: SessionState
    reason: str | None = None
    """In words for people: why it is so and, where something is missing, what is awaited."""


StageName = Literal["image", "container", "connect", "clone", "agent", "stop", "snapshot"]
"""`stop` and `snapshot`: what runs in the sandbox is ended, and its files are kept."""


class Stage(EventBase):
    """One step of getting a sandbox ready, or of putting it away.

    `done` and `failed` carry the time that it took.
    """

    type: Literal["stage"] = "stage"
    name: StageName
    status: Literal["started", "progress", "done", "failed"]
    detail: str | None = None
    """What it is doing, or what came of it: "1,204 of 9,000 objects"."""
    progress: float | None = None
    """From 0 to 1, where known."""
    ms: int | None = None


class Problem(EventBase):
    """Something went wrong. One clear sentence, and what to do about it."""

    type: Literal["error"] = "error"
    code: str
    """Machine-readable: `clone_failed`, `branch_not_found`, `model_unauthorized`, …"""
    message: str
    remedy: str | None = None
    detail: str | None = None
    """What the failing program itself said, shortened."""
    suggestions: list[str] = Field(default_factory=list[str])
    """For `branch_not_found`: names that exist and are close to what was asked for."""


class Notice(EventBase):
    """Something worth knowing that is no error: the runner came back, the agent was restarted."""

    type: Literal["notice"] = "notice"
    code: str
    message: str


# ── prompts and turns ────────────────────────────────────────────────────────────────────────


class Attachment(BaseModel):
    """A file that a person gave with a prompt. Its bytes are in the hub's blobs."""

    blob: str
    """Where they are: their SHA-256, in hexadecimal."""
    name: str
    """As the person calls it, without a folder."""
    mime: Literal["image/png", "image/jpeg", "image/webp", "image/gif", "text/plain"]
    size: int
    """In bytes."""


When = Literal["queue", "now"]
"""`queue`: when the agent is free. `now`: into the running turn, or in its place."""


class PromptQueued(EventBase):
    """A person said something; it waits until the agent is free."""

    type: Literal["prompt_queued"] = "prompt_queued"
    prompt_id: str
    text: str
    author: str
    model: str | None = None
    """Where it differs from the session's model."""
    kind: Literal["prompt", "hand_back"] = "prompt"
    """`hand_back`: the hub wrote it, to tell the agent what a person did while they drove."""
    attachments: list[Attachment] = Field(default_factory=list[Attachment])
    when: When = "queue"
    position: int | None = None
    """Its place among those that wait, 0 for the next; null: at the end."""


class PromptEdited(EventBase):
    """A waiting prompt was changed. What it is from now on, whole."""

    type: Literal["prompt_edited"] = "prompt_edited"
    prompt_id: str
    text: str
    model: str | None = None
    attachments: list[Attachment] = Field(default_factory=list[Attachment])
    by: str


class PromptMoved(EventBase):
    """A waiting prompt has another place in the queue."""

    type: Literal["prompt_moved"] = "prompt_moved"
    prompt_id: str
    position: int
    """Its new place among those that wait, 0 for the next, counted without itself."""
    when: When = "queue"
    """`now`: it was to wait no longer."""
    by: str


class PromptSteered(EventBase):
    """The agent read a prompt in the middle of a turn, to which it belongs from now on."""

    type: Literal["prompt_steered"] = "prompt_steered"
    prompt_id: str
    turn_id: str


class PromptWithdrawn(EventBase):
    """A waiting prompt was taken back before the agent saw it."""

    type: Literal["prompt_withdrawn"] = "prompt_withdrawn"
    prompt_id: str


class TurnStarted(EventBase):
    """The agent was given a prompt. A turn has the id of its prompt."""

    type: Literal["turn_started"] = "turn_started"
    turn_id: str
    model: str


class TurnEnded(EventBase):
    """The agent is done with a prompt: `done`, `failed` (says why) or `stopped` by a person.

    `paused`: stopped at a safe point, for a person to drive.
    """

    type: Literal["turn_ended"] = "turn_ended"
    turn_id: str
    outcome: Literal["done", "failed", "stopped", "paused"]
    message: str | None = None
    """For `failed`: one sentence."""
    code: str | None = None
    ms: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
    """In US dollars, where known."""


# ── the agent's work ─────────────────────────────────────────────────────────────────────────


class AgentMessageChunk(EventBase):
    """A frame of what the agent says: those of one `message_id` make one text (markdown)."""

    type: Literal["agent_message_chunk"] = "agent_message_chunk"
    message_id: str
    text: str


class AgentThoughtChunk(EventBase):
    """A frame of what the agent thinks aloud."""

    type: Literal["agent_thought_chunk"] = "agent_thought_chunk"
    message_id: str
    text: str


class MessageRetracted(EventBase):
    """A text that broke off and that the model began anew: it is to be shown no more."""

    type: Literal["message_retracted"] = "message_retracted"
    message_id: str


ToolKind = Literal[
    "read", "edit", "delete", "move", "search", "execute", "think", "fetch", "question", "other"
]
ToolStatus = Literal["pending", "in_progress", "completed", "failed"]


class ToolCall(EventBase):
    """The agent calls a tool."""

    type: Literal["tool_call"] = "tool_call"
    tool_call_id: str
    tool: str
    """The agent's own name of the tool: `bash`, `edit`, `grep`."""
    kind: ToolKind
    title: str
    """The object of the verb, in one line: a command, a path, a pattern."""
    status: ToolStatus = "pending"
    input: dict[str, Any] = Field(default_factory=dict[str, Any])


class Picture(BaseModel):
    """An image that a tool gave, such as a screenshot. Its bytes are in the hub's blobs."""

    blob: str
    """Where they are: their SHA-256, in hexadecimal."""
    mime: Literal["image/png", "image/jpeg", "image/webp", "image/gif"]
    size: int
    """In bytes."""
    width: int | None = None
    height: int | None = None


class ToolCallUpdate(EventBase):
    """Something about a tool call became known. Fields that are null did not change."""

    type: Literal["tool_call_update"] = "tool_call_update"
    tool_call_id: str
    status: ToolStatus | None = None
    title: str | None = None
    input: dict[str, Any] | None = None
    output: str | None = None
    """The whole output; long ones keep their head and tail."""
    output_truncated: bool = False
    diff: str | None = None
    """For edits and writes: a unified diff."""
    pictures: list[Picture] | None = None
    exit_code: int | None = None
    error: str | None = None
    ms: int | None = None


class ToolOutputChunk(EventBase):
    """A frame of what a running tool prints; replaced by `output` of the final update."""

    type: Literal["tool_output_chunk"] = "tool_output_chunk"
    tool_call_id: str
    text: str


class PlanEntry(BaseModel):
    """One thing on the agent's list."""

    content: str
    status: Literal["pending", "in_progress", "completed", "cancelled"]
    priority: Literal["high", "medium", "low"] = "medium"


class Plan(EventBase):
    """The agent's list of things to do, whole; the newest replaces those before."""

    type: Literal["plan"] = "plan"
    entries: list[PlanEntry]


class ModelRetry(EventBase):
    """The model could not be reached or refused for now; the agent tries again by itself."""

    type: Literal["model_retry"] = "model_retry"
    attempt: int
    message: str
    next_at: datetime | None = None


# ── what needs a person ──────────────────────────────────────────────────────────────────────


class PermissionRequested(EventBase):
    """The agent asks before it does something. The turn waits for the answer."""

    type: Literal["permission_requested"] = "permission_requested"
    request_id: str
    tool_call_id: str | None = None
    permission: str
    """What kind of thing it wants to do: `bash`, `edit`, `webfetch`."""
    title: str
    patterns: list[str] = Field(default_factory=list[str])
    always: list[str] = Field(default_factory=list[str])
    """What an answer of `always` would allow from now on."""


class PermissionResolved(EventBase):
    """A permission request was answered, or is void since its turn ended."""

    type: Literal["permission_resolved"] = "permission_resolved"
    request_id: str
    reply: Literal["once", "always", "reject", "void"]
    by: str | None = None


class QuestionOption(BaseModel):
    """One of the answers that the agent offers."""

    label: str
    description: str = ""


class Question(BaseModel):
    """One question to a person."""

    question: str
    header: str = ""
    options: list[QuestionOption] = Field(default_factory=list[QuestionOption])
    multiple: bool = False
    custom: bool = True
    """Whether an answer in the person's own words is welcome."""


class QuestionAsked(EventBase):
    """The agent asks people something. The turn waits for the answers."""

    type: Literal["question_asked"] = "question_asked"
    request_id: str
    tool_call_id: str | None = None
    questions: list[Question]


class QuestionResolved(EventBase):
    """Questions were answered (`answers`: for each question its labels), or dismissed (null)."""

    type: Literal["question_resolved"] = "question_resolved"
    request_id: str
    answers: list[list[str]] | None
    by: str | None = None


# ── the sandbox ──────────────────────────────────────────────────────────────────────────────


class ChangedFile(BaseModel):
    """One file that differs from where the session began."""

    path: str
    status: Literal["added", "modified", "deleted", "renamed"]
    additions: int = 0
    deletions: int = 0
    binary: bool = False
    old_path: str | None = None


class WorkspaceChanged(EventBase):
    """What the workspace differs in from where it began; sent when a turn ends, if it changed."""

    type: Literal["workspace_changed"] = "workspace_changed"
    additions: int
    deletions: int
    files: list[ChangedFile]


class EgressRefused(EventBase):
    """The sandbox wanted to reach something that its policy does not allow."""

    type: Literal["egress_refused"] = "egress_refused"
    host: str
    """A name, or a bare address."""
    port: int
    protocol: Literal["tcp", "udp"] = "tcp"
    reason: str
    count: int = 1
    """How many times since the last such event; repeats are gathered."""


ServiceName = Literal["editor", "desktop"]
ServiceState = Literal["stopped", "starting", "ready", "stopping", "failed"]


class ServiceChanged(EventBase):
    """A part of the environment that runs only when it is needed was started or stopped."""

    type: Literal["service_changed"] = "service_changed"
    name: ServiceName
    state: ServiceState
    detail: str | None = None
    """While starting, what it is doing; for `stopped` and `failed`, why."""
    progress: float | None = None
    """From 0 to 1, while starting."""
    ms: int | None = None
    """For `ready`: how long the start took."""


class Port(BaseModel):
    """Something in the sandbox that listens, on loopback or on every address."""

    port: int
    process: str | None = None
    """The program's name, where it can be told: `node`, `python3`."""


class PortsChanged(EventBase):
    """What listens in the sandbox, whole; the newest replaces those before."""

    type: Literal["ports_changed"] = "ports_changed"
    ports: list[Port]


# ── a person drives ──────────────────────────────────────────────────────────────────────────


class DriveRequested(EventBase):
    """A person wants to work themselves: the agent stops at the next safe point."""

    type: Literal["drive_requested"] = "drive_requested"
    by: str


class DriveStarted(EventBase):
    """The agent rests and the person drives. Prompts wait until they hand back."""

    type: Literal["drive_started"] = "drive_started"
    snapshot: str
    """Names the workspace as it was (a git tree), for `Handover`."""


class DriveCommand(BaseModel):
    """A command that a person ran in a terminal."""

    command: str
    cwd: str
    exit_code: int | None = None
    """None while it still runs."""


class DriveEnded(EventBase):
    """The person handed back: what they changed, which the agent is told in its next turn."""

    type: Literal["drive_ended"] = "drive_ended"
    by: str
    note: str | None = None
    files: list[ChangedFile]
    commands: list[DriveCommand]


Event = Annotated[
    SessionCreated
    | StateChanged
    | Stage
    | Problem
    | Notice
    | PromptQueued
    | PromptEdited
    | PromptMoved
    | PromptSteered
    | PromptWithdrawn
    | TurnStarted
    | TurnEnded
    | AgentMessageChunk
    | AgentThoughtChunk
    | MessageRetracted
    | ToolCall
    | ToolCallUpdate
    | ToolOutputChunk
    | Plan
    | ModelRetry
    | PermissionRequested
    | PermissionResolved
    | QuestionAsked
    | QuestionResolved
    | WorkspaceChanged
    | EgressRefused
    | ServiceChanged
    | PortsChanged
    | DriveRequested
    | DriveStarted
    | DriveEnded,
    Field(discriminator="type"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Parses and prints any event."""

FRAMES: dict[str, str] = {
    "agent_message_chunk": "message_id",
    "agent_thought_chunk": "message_id",
    "tool_output_chunk": "tool_call_id",
}
"""Event types that are pieces of a streaming text, and the field that says of which."""
