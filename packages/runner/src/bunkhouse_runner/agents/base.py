"""The port between the runner and an agent, and what an agent is given to work with.

The runner calls, in this order: `start` (while the clone still runs), `begin` (the workspace is
there), then `prompt` for one turn after the other (and `steer` while one runs), and `close` at the
end. After `close` it may call `start` again on the same object.

What the agent may rely on, and what is asked of it:

- `emit` takes events at once, never blocks and never raises; they are on disk before they leave.
  Chunks (`agent_message_chunk`, `agent_thought_chunk`, `tool_output_chunk`) are gathered for
  some tens of milliseconds, so emit them as they come.
- The runner emits `turn_started` and `turn_ended`, the stages, `workspace_changed`, and
  `permission_resolved` and `question_resolved` for the answers that come from people. When a turn
  ends, the runner declares void what was still asked, and failed what was still running. An agent
  emits a `…_resolved` itself only where a request is settled without an answer of its own (one
  "always" settles others); who gave the answer is filled in by the runner, and doubles are dropped.
- The agent keeps its own process alive: where it has to restart it, it says so with a `Notice`
  and ends a turn that is lost by returning a failed `TurnResult`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from bunkhouse_protocol.events import Event
from bunkhouse_protocol.link import SessionSpec
from bunkhouse_runner.pictures import name_of
from bunkhouse_runner.processes import Account

Emit = Callable[[Event], None]
"""Puts an event into the session's log. Never blocks, never raises."""


class Memory(Protocol):
    """Small things that must be there after a restart of the runner, such as a session's id.

    Each agent sees only its own keys. Durable when the call returns.
    """

    def get(self, key: str) -> str | None:
        """Return what was stored, or None."""
        ...

    def set(self, key: str, value: str | None) -> None:
        """Store a value; None forgets it."""
        ...


@dataclass(frozen=True, slots=True)
class AgentContext:
    """What an agent is made with."""

    emit: Emit
    memory: Memory
    account: Account
    """The Unix user as whom the agent's programs run (`processes.start` takes it)."""
    doors_url: str
    """The hub's doors, `http://127.0.0.1:3128/sandbox`; models are at `{doors_url}/models/{id}`."""
    token: str = field(repr=False)
    """The sandbox's token: the API key at the models door. Keep it out of environments."""
    keep: Callable[[bytes], str] = name_of
    """Keeps a picture's bytes for the hub and returns its `Picture.blob`. Never raises."""
    keep_text: Callable[[bytes], str] = name_of
    """Keeps an output for the hub and returns its `WholeOutput.blob`. Never raises."""


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file that a person gave with a prompt: a picture, or a text in UTF-8."""

    name: str
    mime: str
    """`image/…`, or `text/plain`."""
    data: bytes = field(repr=False)


Steered = Literal["given", "stop", "later"]
"""What comes of a prompt that is to go into the running turn.

`given`: the agent has it, though it may not have read it. `stop`: it can't be taken into this turn;
end that, and it is the next. `later`: it can't be taken now; when the turn ends, it is the next.
"""


@dataclass(frozen=True, slots=True)
class TurnResult:
    """How a turn ended. Token counts and cost are those of the whole turn, where known."""

    outcome: Literal["done", "failed", "stopped"]
    message: str | None = None
    """For `failed`: one sentence for people."""
    code: str | None = None
    """For `failed`, machine-readable: `model_unauthorized`, `agent_failed`, …"""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
    """In US dollars."""


class Agent(Protocol):
    """One agent in one workspace. Called from one event loop; raises `AgentFailed` alone."""

    async def start(self, spec: SessionSpec, workspace: Path) -> None:
        """Start the agent's process; return when it answers.

        The clone may still be running: don't read the workspace, don't write into it.
        """
        ...

    async def begin(self) -> None:
        """The workspace is there: open the agent's session, or resume the one remembered."""
        ...

    async def prompt(
        self, turn_id: str, text: str, model: str, files: Sequence[AttachedFile] = ()
    ) -> TurnResult:
        """Run one turn to its end, emitting events. `model` is `provider/model`.

        The text may be empty where there are files. What the model can't take fails the turn and
        leaves the conversation as it was.

        When it returns, all events of the turn have been emitted. It may be cancelled, when
        `stop_turn` did not end it in time; the agent must be able to take another prompt then.
        """
        ...

    async def steer(
        self, prompt_id: str, text: str, model: str, files: Sequence[AttachedFile] = ()
    ) -> Steered:
        """Give the agent another prompt in the running turn.

        Emits `PromptSteered` when the agent reads it. What it has not read when the turn ends, it
        forgets: the hub gives it again. Raises nothing.
        """
        ...

    async def stop_turn(self) -> None:
        """End the running turn: `prompt` returns `stopped` soon. Nothing happens without one."""
        ...

    async def pause_turn(self) -> None:
        """Like `stop_turn`, where no tool runs: what ran in the background before goes on."""
        ...

    async def rewind(self, undone: Sequence[str]) -> None:
        """Let the conversation be as it was before the first of these turns; no turn runs.

        They are all from there on, in order; those that the agent never had are no hindrance. With
        none it is as it was before it was rewound. The next prompt makes it so for good. The files
        are not the agent's business here.
        """
        ...

    async def answer_permission(
        self, request_id: str, reply: Literal["once", "always", "reject"], message: str | None
    ) -> bool:
        """Pass on a person's answer. False: the agent no longer waits for it."""
        ...

    async def answer_question(self, request_id: str, answers: list[list[str]] | None) -> bool:
        """Pass on the answers, a list of labels for each question; None dismisses them.

        False: the agent no longer waits for it.
        """
        ...

    async def close(self) -> None:
        """End the agent's processes. Safe to call twice, or before `start`."""
        ...


AgentFactory = Callable[[AgentContext], Agent]
