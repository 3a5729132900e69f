"""Going to sleep, waking up, ending: what these do to a session, inside a transaction.

What takes time is done by the reconciler, which sees from the state what is due: a session that is
`hibernating` is to be stopped (`keeping`), one that is `restoring` to be started (`starting`), and
one that is `ended` and still has a sandbox to be put away (`keeping`).
"""

from bunkhouse.errors import Conflict, SnapshotMissing
from bunkhouse.people.identity import Person
from bunkhouse.sessions import driving, leaving, turns
from bunkhouse.sessions.journal import Change
from bunkhouse.sessions.lifecycle import TURN_STATES, Actor
from bunkhouse.store import prompts, snapshots
from bunkhouse.store.sessions import SessionRow
from bunkhouse_protocol.events import DriveEnded, Stage


async def hibernate(change: Change, by: Actor, reason: str | None = None) -> None:
    """Have the sandbox stopped; it keeps its files. Asleep already: nothing happens.

    Raises:
        Conflict: something runs, somebody drives, or there is no sandbox to stop.
    """
    row = change.row
    if row.state in ("hibernating", "hibernated"):
        return
    if row.state in TURN_STATES:
        raise Conflict(
            "The agent is at work.", remedy="Stop it first, or wait until it is done.", code="busy"
        )
    if row.driver is not None:
        raise Conflict(
            f"{row.driver['name']} drives this session.",
            remedy="Hand it back first.",
            code="driven",
        )
    if turns.rewind_due(row):
        raise Conflict(
            "The session is going back to an earlier prompt.",
            remedy="Wait a moment, until it is there.",
            code="rewinding",
        )
    change.move("hibernating", by, reason)
    change.record(Stage(name="stop", status="started"))


async def rouse(change: Change) -> None:
    """Somebody comes back: have the sandbox started again. Awake already: nothing happens.

    Raises:
        SnapshotMissing: it has ended, and nothing of it is kept any more.
    """
    row = change.row
    if row.state == "ended":
        if row.sandbox_id is None and row.snapshot_id is None:
            raise SnapshotMissing(
                "This session has ended, and its files are not kept any more.",
                remedy="Start a new session; what was said in this one stays readable.",
            )
        # It may be on its way to be put away, which is not to happen behind our back.
        await snapshots.drop_unmade(change.tx, row.id)
        row.kept_until = None
    if row.state in ("hibernating", "hibernated", "ended"):
        change.move("restoring", "person")


async def end(change: Change, by: Person) -> None:
    """Have the sandbox put away; its files are kept for a while. Ended: nothing happens.

    Prompts that wait stay in the queue, for when it is brought back.
    """
    row = change.row
    if row.state == "ended":
        return
    await turns.lose(change, code="ended", message="The session was ended.")
    if row.driver is not None:
        await driving.end(change, DriveEnded(by=by.name, files=[], commands=[]))
    await leaving.leave(change, "person", f"{by.name} ended it")


async def at_rest(change: Change) -> bool:
    """Whether nothing runs, nothing waits to be run and nobody drives."""
    row = change.row
    if row.state != "idle" or row.driver is not None or turns.rewind_due(row):
        return False
    return not await prompts.in_state(change.tx, [row.id], "queued")


def last_used(row: SessionRow) -> float:
    """When the session came to rest, in seconds since 1970, as its row has it."""
    return (row.state_at or row.updated_at).timestamp()
