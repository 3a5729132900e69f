"""A person works in the agent's place, and hands back.

| driver | the agent | prompts |
|---|---|---|
| none | works | are given to it |
| `requested` | comes to its next safe point, where its turn ends as `paused` | wait |
| `driving` | rests | wait |

There is one driver at a time, and any number of people may watch. From both states anybody who may
drive can hand back (the agent is told what was done, and goes on) or give up (it is told nothing).
A sandbox that is lost meanwhile is started again as ever; the driver stays until one of the two.
"""

from datetime import UTC, datetime

from bunkhouse.errors import Conflict, SandboxNotRunning
from bunkhouse.people.identity import Person
from bunkhouse.sessions import handing_back, lifecycle, prompting, turns
from bunkhouse.sessions.journal import Change
from bunkhouse.sessions.lifecycle import TURN_STATES
from bunkhouse.store import outbox
from bunkhouse.store.sessions import Driver, SessionRow
from bunkhouse_protocol.events import DriveEnded, DriveRequested, DriveStarted
from bunkhouse_protocol.gateway import Handover
from bunkhouse_protocol.link import PauseCommand

_NAME_LENGTH = 200
"""Of a snapshot: a sandbox says it, and it is kept in a row that lists read."""


def driver_of(row: SessionRow) -> Driver:
    """Who drives.

    Raises:
        Conflict: nobody does.
    """
    if row.driver is None:
        raise Conflict("Nobody drives this session.", code="not_driven")
    return row.driver


async def request(change: Change, person: Person) -> None:
    """A person wants to drive. Nothing happens if they do.

    Raises:
        Conflict: somebody else drives.
        SandboxNotRunning: there is nothing to drive.
    """
    row = change.row
    if row.driver is not None and row.driver["id"] == person.id:
        return
    if row.driver is not None:
        raise Conflict(
            f"{row.driver['name']} drives already.",
            remedy="Watch, or hand back for them first.",
            code="driven",
        )
    if row.state != "idle" and row.state not in TURN_STATES:
        raise SandboxNotRunning(
            f"There is nothing to drive: this session is {row.state}.",
            remedy=lifecycle.REMEDIES.get(row.state),
        )
    row.driver = Driver(
        id=person.id, name=person.name, state="requested", since=_now(), snapshot=None
    )
    change.record(DriveRequested(by=person.name))
    await change.command(PauseCommand())


def started(change: Change, event: DriveStarted) -> None:
    """The agent rests. Word of it that nobody waits for, or that comes too late, is dropped."""
    driver = change.row.driver
    if driver is None or driver["state"] != "requested" or change.row.state in TURN_STATES:
        return
    change.row.driver = {
        **driver,
        "state": "driving",
        "since": _now(),
        "snapshot": event.snapshot[:_NAME_LENGTH],
    }
    change.record(event)


async def ask_again(change: Change) -> None:
    """A runner is there anew: if it has forgotten that somebody wants to drive, tell it."""
    driver = change.row.driver
    if driver is None or driver["state"] != "requested":
        return
    if not await _pauses(change):
        await change.command(PauseCommand())


async def hand_back(
    change: Change, driver: Driver, done: Handover | None, note: str | None, person: Person
) -> None:
    """End it, and tell the agent. `done`: None where it can't be known."""
    known = None if done is None else handing_back.bounded(done)
    more = 0 if done is None or known is None else len(done.files) - len(known.files)
    note = (note or "").strip() or None
    ended = DriveEnded(
        by=person.name,
        note=note,
        files=known.files if known else [],
        commands=known.commands if known else [],
    )
    await end(change, ended)
    text = handing_back.text(driver["name"], person.name, note, known, more=more)
    await prompting.enqueue(change, text, person, kind="hand_back")
    await turns.begin_next(change)


async def end(change: Change, ended: DriveEnded) -> None:
    """Nobody drives any more."""
    change.row.driver = None
    change.row.state_at = datetime.now(UTC)  # it was not at rest until now
    change.record(ended)
    # A pause that has not reached the runner would stop the agent for nobody.
    for command_id in await _pauses(change):
        await outbox.remove(change.tx, change.row.id, command_id)


async def _pauses(change: Change) -> list[str]:
    waiting = await outbox.waiting(change.tx, change.row.id)
    return [name for _, name, command in waiting if command.get("command") == "pause"]


def _now() -> str:
    return datetime.now(UTC).isoformat()
