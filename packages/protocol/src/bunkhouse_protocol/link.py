"""The frames on the link: one WebSocket for each sandbox, dialled by the runner.

Text frames, one JSON object each. Both directions are safe against either side being killed at
any moment:

- **Events** go up. The runner numbers them (`n`, from 1) in a *spool* on its disk before it sends
  them, and drops them when the hub has acknowledged them as stored. The hub stores each `n` of a
  spool once.
- **Commands** go down. The hub writes them into an outbox before it sends them, and sends what is
  left of it, in order, at each connection, until the runner says `received`. The runner writes an
  id down before it says so and carries out each id once.

A connection begins with `Hello` from the runner, answered by `Welcome`; then the runner sends
every event above `Welcome.acked`, and goes on live.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from bunkhouse_protocol.configuring import SetUp
from bunkhouse_protocol.events import Attachment, Event

PROTOCOL = 1
"""Version of this conversation; a runner of another version is refused with close code 4400."""

CLOSE_UNAUTHORIZED = 4401
"""WebSocket close code: the token is not, or no longer, valid. The runner stops dialling."""

CLOSE_REPLACED = 4409
"""WebSocket close code: a newer connection of the same sandbox took over."""


# ── what the runner is to do, as the hub tells it at each connection ─────────────────────────


class Repository(BaseModel):
    """Where the workspace comes from."""

    url: str
    """What the person gave: a public URL or a folder on the hub's machine; for messages."""
    door: str
    """Path of the same repository behind the hub's git door, below `DOORS_PREFIX`."""
    branch: str | None = None
    """None: the repository's default branch."""
    work_branch: str | None = None
    """The session's own, to be worked on and pushed; begins at `branch`, or goes on where the
    repository has it already. None: `branch` itself is checked out."""


class Provider(BaseModel):
    """A model provider that the session may use through the hub's models door."""

    id: str
    """`demo`, `openai`, `anthropic`, `gemini`; also its path behind the door: `/models/{id}`."""
    dialect: Literal["openai", "anthropic", "gemini"]
    """Whose API is spoken there."""
    models: list[str] = Field(default_factory=list[str])
    """Model ids known to the hub; others are allowed as well."""


class SessionSpec(BaseModel):
    """All that a runner needs to know of its session."""

    session_id: str
    repository: Repository | None
    model: str
    """`provider/model`."""
    providers: list[Provider]
    author_name: str
    """For commits."""
    author_email: str
    co_author: str | None = None
    """`Name <address>`, named as co-author in commits of a turn; None: nobody."""
    permissions: dict[str, Literal["allow", "ask", "deny"]] = Field(
        default_factory=dict[str, Literal["allow", "ask", "deny"]]
    )
    """The agent's permission by tool (`bash`, `edit`, `webfetch`); absent ones are allowed."""
    service_idle_seconds: float = 900.0
    """How long the editor or the desktop may be unused before it is stopped."""
    turn_stall_seconds: float = 600.0
    """How long nothing may be heard of a turn before it is ended (`turn_stalled`)."""
    tool_stall_seconds: float = 3600.0
    """The same while a tool runs, which may have nothing to print."""
    output_bytes: int = 64 * 1024
    """Longest tool output in the log; of longer ones the log has head and tail."""
    whole_output_bytes: int = 16 * 1024 * 1024
    """How much of a longer one the hub takes as a blob."""
    set_up: SetUp | None = None
    """How it is set up; None: that is not decided yet."""
    config_bytes: int = 0
    """Largest file of a repository's own settings that the hub wants to see (`configuring`). 0: it
    asks for none."""


# ── runner → hub ─────────────────────────────────────────────────────────────────────────────


class Hello(BaseModel):
    """The runner's first frame."""

    frame: Literal["hello"] = "hello"
    protocol: int = PROTOCOL
    spool_id: str
    """Made once for each spool; a new one (a sandbox made anew) starts numbering at 1 again."""
    runner_version: str = ""
    steers: bool = False
    """Whether it knows `SteerCommand`."""
    rewinds: bool = False
    """Whether it knows `RewindCommand`."""
    acked: int = Field(default=0, ge=0)
    """Highest `n` that a hub has acknowledged; what is below has left the spool."""


class EventFrame(BaseModel):
    """An event, with its number in the runner's spool."""

    frame: Literal["event"] = "event"
    n: int
    event: Event


class Received(BaseModel):
    """The runner has a command safely; the hub may forget it."""

    frame: Literal["received"] = "received"
    id: str


class Ready(BaseModel):
    """The workspace and the agent are there: prompts are welcome.

    Sent through the spool's order (the hub handles it after all events before it) at each
    connection on which this is so, and when it becomes so. `ok` false: setting up failed; an
    `error` event before it says why.
    """

    frame: Literal["ready"] = "ready"
    ok: bool
    base_commit: str | None = None
    branch: str | None = None
    running_turn: str | None = None
    """The turn that the agent is at work on, so that the hub sees which ones were lost."""


UpFrame = Annotated[Hello | EventFrame | Received | Ready, Field(discriminator="frame")]
UP: TypeAdapter[UpFrame] = TypeAdapter(UpFrame)


# ── hub → runner ─────────────────────────────────────────────────────────────────────────────


class Welcome(BaseModel):
    """The hub's answer to `Hello`."""

    frame: Literal["welcome"] = "welcome"
    acked: int
    """Highest `n` of this spool that is stored."""
    session: SessionSpec
    turns: list[str] | None = None
    """The turn that runs, as the hub has it: one or none. Any other that the runner knows of was
    ended without it, and is not to go on. Null: the hub does not say."""


class Ack(BaseModel):
    """Every event up to and including `n` is stored."""

    frame: Literal["ack"] = "ack"
    n: int


class CommitIdentity(BaseModel):
    """Who makes commits."""

    name: str
    email: str


class PromptCommand(BaseModel):
    """Begin a turn."""

    command: Literal["prompt"] = "prompt"
    turn_id: str
    text: str
    model: str
    attachments: list[Attachment] = Field(default_factory=list[Attachment])
    """Their bytes are at the door: `GET /blobs/{blob}`."""
    author: CommitIdentity | None = None
    """In whose name commits of this turn are made; None: in that of the session's author."""


class SteerCommand(BaseModel):
    """Give the agent another prompt within the running turn; nothing happens without that turn.

    Answered by `prompt_steered` once the agent has read it. An agent that can't take it ends its
    turn as `stopped`. A turn that ends without that answer never had the prompt.
    """

    command: Literal["steer"] = "steer"
    turn_id: str
    """The turn that was running."""
    prompt_id: str
    text: str
    model: str
    attachments: list[Attachment] = Field(default_factory=list[Attachment])


class StopCommand(BaseModel):
    """End set-up commands that run, and the running turn if it is this one, at once.

    Nothing happens where nothing runs.
    """

    command: Literal["stop"] = "stop"
    turn_id: str | None
    """None: none runs as far as the hub knows."""


class PauseCommand(BaseModel):
    """Let a person drive: end the running turn (`paused`) at its next safe point.

    That is where no tool runs: between two of the agent's steps, or while it only speaks. Answered
    by `drive_started`, at once where no turn runs.
    """

    command: Literal["pause"] = "pause"


class PermissionCommand(BaseModel):
    """A person's answer to `permission_requested`."""

    command: Literal["permission"] = "permission"
    request_id: str
    reply: Literal["once", "always", "reject"]
    by: str
    message: str | None = None
    """For `reject`: what the agent should do instead."""


class QuestionCommand(BaseModel):
    """A person's answers to `question_asked`; null dismisses it."""

    command: Literal["question"] = "question"
    request_id: str
    answers: list[list[str]] | None
    by: str


class RewindCommand(BaseModel):
    """Put files, git and the agent's memory to just before a turn, or forward again.

    Sent while no turn runs and none is on its way. Answered by `session_rewound` or
    `rewind_failed`, once for each `rewind_id`, however often it is sent.
    """

    command: Literal["rewind"] = "rewind"
    rewind_id: str
    undone: list[str]
    """Turns that do not count from now on, in order; the first is the one to go back before. Empty:
    forward again, to where the first rewind since the last turn began."""
    fork: bool = False
    """The files are a copy of another session's, perhaps of before some of these turns: go back to
    the first of which there is anything to undo. There is no way forward."""


class SetupCommand(BaseModel):
    """Set up (again), after it failed: the repository or the branch may have changed."""

    command: Literal["setup"] = "setup"
    session: SessionSpec


Command = Annotated[
    PromptCommand
    | SteerCommand
    | StopCommand
    | PauseCommand
    | PermissionCommand
    | QuestionCommand
    | RewindCommand
    | SetupCommand,
    Field(discriminator="command"),
]
COMMAND: TypeAdapter[Command] = TypeAdapter(Command)


class CommandFrame(BaseModel):
    """Something to do, with the id under which it is done once."""

    frame: Literal["command"] = "command"
    id: str
    command: Command


class Dial(BaseModel):
    """Open a stream back to the hub and connect it to one of the sandbox's two sockets.

    The stream is a WebSocket of bytes at `{DOORS_PREFIX}/streams/{stream_id}`. Used where the hub
    can't reach the gateway's socket by itself.
    """

    frame: Literal["dial"] = "dial"
    stream_id: str
    socket: Literal["gateway", "streams"] = "gateway"


DownFrame = Annotated[Welcome | Ack | CommandFrame | Dial, Field(discriminator="frame")]
DOWN: TypeAdapter[DownFrame] = TypeAdapter(DownFrame)
