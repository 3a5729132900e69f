"""The life cycle of a session: its states, and who may move it between them. One table.

| state | what it means |
|---|---|
| `queued` | waits for the image, the engine or room |
| `starting` | its sandbox is being made, the repository cloned, the agent started |
| `idle` | ready for a prompt |
| `working` | a turn runs |
| `waiting` | a turn runs and needs a person: a permission, a question |
| `hibernating` | its sandbox is being stopped |
| `hibernated` | its sandbox is stopped and keeps its files |
| `restoring` | its sandbox comes back, or waits for room to |
| `failed` | it could not be set up, and says why; a person may have it tried again |
| `ended` | its sandbox is taken away; its files are kept for a while |
"""

from dataclasses import dataclass
from typing import Literal

from bunkhouse.errors import Conflict
from bunkhouse_protocol.events import SessionState

Actor = Literal["person", "hub", "runner"]
"""Who wants the move: somebody at the API, the hub's own reconcilers, or word from the sandbox."""


@dataclass(frozen=True, slots=True)
class Move:
    """A row of the table."""

    source: SessionState
    target: SessionState
    actors: frozenset[Actor]
    when: str


def _move(source: SessionState, target: SessionState, actors: str, when: str) -> Move:
    known: tuple[Actor, ...] = ("person", "hub", "runner")
    return Move(source, target, frozenset(a for a in known if a in actors.split()), when)


TABLE: tuple[Move, ...] = (
    _move("queued", "queued", "hub", "what it waits for has changed"),
    _move("queued", "starting", "hub", "there is an engine, an image and room"),
    _move("queued", "ended", "person hub", "it is no longer wanted"),
    _move("starting", "idle", "runner", "workspace and agent are ready"),
    _move("starting", "failed", "runner hub", "it could not be set up"),
    _move("starting", "queued", "hub", "its sandbox was lost on the way"),
    _move("starting", "ended", "person hub", "it is no longer wanted"),
    _move("idle", "working", "hub", "a prompt was given to the agent"),
    _move("idle", "queued", "hub", "its sandbox was lost; a new start is due"),
    _move("idle", "failed", "runner hub", "its sandbox can't be used any more"),
    _move("idle", "hibernating", "person hub", "nobody has used it for a while"),
    _move("idle", "ended", "person hub", "it is no longer wanted"),
    _move("working", "idle", "runner hub", "the turn has ended"),
    _move("working", "waiting", "runner hub", "the agent asks for something"),
    _move("working", "queued", "hub", "its sandbox was lost; a new start is due"),
    _move("working", "ended", "person hub", "it is no longer wanted"),
    _move("waiting", "working", "runner hub", "it was answered"),
    _move("waiting", "idle", "runner hub", "the turn has ended"),
    _move("waiting", "queued", "hub", "its sandbox was lost; a new start is due"),
    _move("waiting", "ended", "person hub", "it is no longer wanted"),
    _move("hibernating", "hibernated", "hub", "its sandbox has stopped"),
    _move("hibernating", "restoring", "person", "somebody came back"),
    _move("hibernating", "idle", "hub", "it could not be done"),
    _move("hibernating", "ended", "person hub", "it is no longer wanted"),
    _move("hibernated", "restoring", "person", "somebody came back"),
    _move("hibernated", "ended", "person hub", "it is no longer wanted"),
    _move("restoring", "idle", "runner", "workspace and agent are back"),
    _move("restoring", "restoring", "hub", "what it waits for has changed"),
    _move("restoring", "queued", "hub", "its sandbox was lost; a new start is due"),
    _move("restoring", "failed", "runner hub", "it could not be brought back"),
    _move("restoring", "ended", "person hub", "it is no longer wanted"),
    _move("failed", "queued", "person", "it is to be tried again"),
    _move("failed", "ended", "person hub", "it is no longer wanted"),
    _move("ended", "restoring", "person", "it is brought back from what is kept"),
)

_BY_STATES = {(move.source, move.target): move for move in TABLE}

TURN_STATES: frozenset[SessionState] = frozenset({"working", "waiting"})
"""States in which a turn runs."""

SANDBOX_STATES: frozenset[SessionState] = frozenset({"starting", "idle", "working", "waiting"})
"""States in which there is, or should be, a running sandbox."""

COMING_STATES: frozenset[SessionState] = frozenset({"starting", "restoring"})
"""States in which a sandbox comes up, until its runner says that it is ready."""

REMEDIES: dict[SessionState, str] = {
    "queued": "Wait until it has started.",
    "starting": "Wait until it has started.",
    "restoring": "Wait until it has woken up.",
    "hibernating": "Wake it up: write to it, or `bunkhouse wake`.",
    "hibernated": "Wake it up: write to it, or `bunkhouse wake`.",
    "ended": "Bring it back: write to it, or `bunkhouse wake`.",
    "failed": "Try again to set it up: write to it.",
}
"""What to do for a sandbox that does not run."""


def check(source: SessionState, target: SessionState, actor: Actor) -> None:
    """Whether the table has this move for this actor.

    Raises:
        Conflict: it has not.
    """
    move = _BY_STATES.get((source, target))
    if move is None or actor not in move.actors:
        raise Conflict(f"A session that is {source} can't become {target}.", code="wrong_state")
