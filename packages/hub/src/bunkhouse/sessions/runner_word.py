"""Taking what a runner says, in transactions: its events once each, and its `Ready`."""

from bunkhouse.errors import InvalidInput
from bunkhouse.sessions import driving, ingest, rewinding, turns
from bunkhouse.sessions.journal import Change
from bunkhouse.sessions.lifecycle import COMING_STATES, TURN_STATES
from bunkhouse.store import outbox
from bunkhouse_protocol.events import Notice, TurnEnded
from bunkhouse_protocol.link import EventFrame, Ready, Received

_LOST = "The sandbox stopped while the agent was at work. Send the prompt again."
_NOT_BACK = "The sandbox stopped while the agent was at work, and could not be started again."


async def take(
    change: Change, frame: EventFrame | Received | Ready, *, rewinds: bool = True
) -> None:
    """Let one frame take effect. `rewinds`: whether this runner knows how to rewind.

    Raises:
        InvalidInput: the runner skipped a number of its spool.
    """
    match frame:
        case EventFrame():
            if frame.n <= change.row.spool_acked:
                return
            if frame.n != change.row.spool_acked + 1:
                raise InvalidInput(
                    f"Event {frame.n} came where {change.row.spool_acked + 1} was due."
                )
            change.row.spool_acked = frame.n
            await ingest.apply(change, frame.event)
        case Received():
            await outbox.remove(change.tx, change.row.id, frame.id)
        case Ready():
            await _ready(change, frame, rewinds=rewinds)


async def greet(change: Change, spool_id: str, acked: int = 0) -> int:
    """A runner has connected; returns the number up to which its spool is stored.

    `acked`: what it was told is stored, and has dropped. More than there is, if this store was set
    back meanwhile (restored from a backup): it goes on from there, and the log says so.
    """
    row = change.row
    if row.spool_id != spool_id:
        row.spool_id, row.spool_acked = spool_id, 0
    if acked > row.spool_acked:
        row.spool_acked = acked
        change.record(
            Notice(
                code="events_missing",
                message="The hub's store was set back to an earlier time: what happened since "
                "then in this sandbox is not shown here. Its files have it.",
            )
        )
    return row.spool_acked


async def _ready(change: Change, frame: Ready, *, rewinds: bool) -> None:
    row = change.row
    if not frame.ok:
        if row.state in COMING_STATES:
            why = row.activity
            await turns.lose(change, code="sandbox_lost", message=_NOT_BACK)
            change.move("failed", "runner", why)
        return
    row.base_commit = frame.base_commit or row.base_commit
    row.branch = frame.branch or row.branch
    if row.state in COMING_STATES:
        # A turn that ran when its sandbox stopped, and that this runner has not ended itself.
        lost = not await _is_there(change, frame.running_turn)
        if lost:
            await turns.lose(change, code="sandbox_lost", message=_LOST)
        change.move("idle", "runner")
        if not lost and await turns.running(change) is not None:
            change.move("working", "hub")
            if row.pending:
                change.move("waiting", "runner", "the agent asks for something")
    elif row.state in TURN_STATES and not await _is_there(change, frame.running_turn):
        await _end_lost(change)
    await driving.ask_again(change)
    await rewinding.ask_again(change, rewinds=rewinds)
    await turns.begin_next(change)


async def _is_there(change: Change, reported: str | None) -> bool:
    """Whether the runner knows of the turn that runs, or is about to be told; true without one."""
    prompt = await turns.running(change)
    if prompt is None or reported == prompt.id:
        return True
    waiting = await outbox.waiting(change.tx, change.row.id)
    begin = ("prompt", prompt.id)
    return any((c.get("command"), c.get("turn_id")) == begin for _, _, c in waiting)


async def _end_lost(change: Change) -> None:
    prompt = await turns.running(change)
    if prompt is None:
        return
    lost = TurnEnded(
        turn_id=prompt.id,
        outcome="failed",
        code="turn_lost",
        message="The sandbox lost track of this turn. Send the prompt again.",
    )
    await turns.end(change, lost, by="hub")
