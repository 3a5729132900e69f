"""Ending: what is common to all who end a session, and the agent that has it ended after its turn.

An agent that is done says so in the middle of its turn. Its session ends when that turn has ended
well; not if it was stopped or failed, and not if somebody has said something in the meantime.
"""

from bunkhouse.people.identity import Person
from bunkhouse.sessions.journal import Change
from bunkhouse.sessions.lifecycle import Actor
from bunkhouse.store import outbox, prompts
from bunkhouse.store.sessions import EndsAfter
from bunkhouse_protocol.events import Stage, TurnEnded


def after_turn(change: Change, turn_id: str, by: Person) -> None:
    """Have the session end after the turn that runs."""
    change.row.ends_after = EndsAfter(turn_id=turn_id, by=by.name)


async def is_due(change: Change, ended: TurnEnded) -> bool:
    """Whether the session is to end now that a turn has; what was asked for is forgotten."""
    wanted, change.row.ends_after = change.row.ends_after, None
    if wanted is None or wanted["turn_id"] != ended.turn_id or ended.outcome != "done":
        return False
    if change.row.driver is not None:
        return False
    return not await prompts.in_state(change.tx, [change.row.id], *prompts.WAITING)


async def leave(change: Change, by: Actor, reason: str) -> None:
    """Have the sandbox put away; its files are kept for a while. Nothing runs any more."""
    row = change.row
    # Nothing that was on its way is to reach the agent when it is brought back.
    await outbox.clear(change.tx, row.id)
    change.move("ended", by, reason)
    row.kept_bytes = row.kept_until = None
    if row.sandbox_id is not None:
        change.record(Stage(name="snapshot", status="started"))
