"""Going back to just before a prompt, and forward again: what it does to a session.

| rewind | the sandbox | prompts |
|---|---|---|
| none | is as the log says | are given to the agent |
| `requested` | goes back, or has yet to wake up for it | wait |
| `rewound` | is as it was before a prompt | the next one makes it so for good |

The order to the runner is in the outbox, and where that is lost it is given anew when the runner
says that it is ready; it has an id by which the runner follows it once. So whatever is killed when,
the session comes to `rewound`, or says why not.
"""

from datetime import UTC, datetime
from typing import Literal

from bunkhouse.errors import Conflict, SandboxNotRunning
from bunkhouse.people.identity import Person
from bunkhouse.sessions import history, lifecycle, sleeping, turns
from bunkhouse.sessions.identifiers import new_id
from bunkhouse.sessions.journal import Change
from bunkhouse.sessions.lifecycle import TURN_STATES
from bunkhouse.store import outbox, prompts
from bunkhouse.store.sessions import Rewind
from bunkhouse_protocol.events import (
    Notice,
    Problem,
    RewindFailed,
    RewindRequested,
    SessionRewound,
)
from bunkhouse_protocol.link import RewindCommand

_TOO_OLD = "The sandbox was made by an earlier version of Bunkhouse, which can't go back."
_NEW_ONE = "Start a new session for this."


async def request(change: Change, seq: int | None, by: Person, *, rewinds: bool | None) -> None:
    """Have it go back to just before the prompt at place `seq`; None: forward again.

    One that sleeps wakes up for it. `rewinds`: whether its runner can; None: it is not there.

    Raises:
        NotFound, InvalidInput: there is no prompt at this place.
        Conflict: something runs or waits, somebody drives, the session has ended; the prompt is
            none that can be undone; there is no way forward.
        SandboxNotRunning: it has no sandbox that could go back.
    """
    await _check(change, rewinds=rewinds)
    row = change.row
    rewind = _forward(change, by) if seq is None else await _back(change, seq, by)
    await sleeping.rouse(change)
    row.rewind = rewind
    change.record(RewindRequested(prompt_id=rewind["prompt_id"], by=by.name))
    if row.state == "idle" and rewinds:
        await change.command(_order(rewind))


def wanted(
    prompt_id: str | None,
    undone: list[str],
    by: str,
    *,
    seq: int | None = None,
    undone_from: int | None = None,
    before: Rewind | None = None,
    fork: Literal["exact", "newest"] | None = None,
) -> Rewind:
    """A rewind that the sandbox has yet to do; the fields are described at `Rewind`."""
    rewind = Rewind(
        id=new_id("r"),
        state="requested",
        prompt_id=prompt_id,
        seq=seq,
        undone_from=undone_from,
        undone=undone,
        by=by,
        before=before,
    )
    if fork is not None:
        rewind["fork"] = fork
    return rewind


async def ask_again(change: Change, *, rewinds: bool) -> None:
    """A runner is ready: if it has not heard of what was requested, tell it."""
    rewind = turns.rewind_due(change.row)
    if rewind is None:
        return
    if not rewinds:
        change.record(Problem(code="sandbox_too_old", message=_TOO_OLD, remedy=_NEW_ONE))
        await failed(change)
        return
    waiting = await outbox.waiting(change.tx, change.row.id)
    if not any(command.get("command") == "rewind" for _, _, command in waiting):
        await change.command(_order(rewind))


async def done(change: Change) -> None:
    """The sandbox is there. Word of it that nobody waits for is dropped."""
    row = change.row
    rewind = turns.rewind_due(row)
    if rewind is None:
        return
    forward = rewind["prompt_id"] is None
    if "fork" in rewind:
        row.rewind = None
    else:
        change.record(
            SessionRewound(
                prompt_id=rewind["prompt_id"], undone_from=rewind["undone_from"], by=rewind["by"]
            )
        )
        row.rewind = None if forward else {**rewind, "state": "rewound", "before": None}
        row.activity = None
    row.state_at = datetime.now(UTC)  # it was not at rest until now
    await turns.begin_next(change)


async def failed(change: Change) -> None:
    """The sandbox could not do it, and is as it was; an `error` before has said why."""
    row = change.row
    rewind = turns.rewind_due(row)
    if rewind is None:
        return
    change.record(RewindFailed())
    row.rewind = rewind["before"]
    if "fork" in rewind:
        said = (
            "Files and the agent's memory are newer than what is said here: they are those of the "
            "session that was copied."
        )
        change.record(Notice(code="fork_is_newer", message=said))
    row.state_at = datetime.now(UTC)
    await turns.begin_next(change)


async def _check(change: Change, *, rewinds: bool | None) -> None:
    row = change.row
    if row.state in TURN_STATES:
        raise Conflict(
            "The agent is at work.", remedy="Stop it first, or wait until it is done.", code="busy"
        )
    if row.state == "ended":
        raise Conflict(
            "This session has ended.", remedy=lifecycle.REMEDIES["ended"], code="session_ended"
        )
    if row.state in ("queued", "starting", "failed"):
        raise SandboxNotRunning(
            f"This session is {row.state}.", remedy=lifecycle.REMEDIES[row.state]
        )
    if row.driver is not None:
        raise Conflict(
            f"{row.driver['name']} drives this session.",
            remedy="Hand it back first.",
            code="driven",
        )
    if turns.rewind_due(row):
        raise Conflict(
            "The session is going back to an earlier prompt already.",
            remedy="Wait a moment, until it is there.",
            code="rewinding",
        )
    if await prompts.in_state(change.tx, [row.id], *prompts.WAITING):
        raise Conflict(
            "Something was said that the agent has yet to begin with.",
            remedy="Take it back first, or wait until it is done.",
            code="prompts_wait",
        )
    if rewinds is False:
        raise Conflict(_TOO_OLD, remedy=_NEW_ONE, code="sandbox_too_old")


async def _back(change: Change, seq: int, by: Person) -> Rewind:
    """To before the prompt at this place."""
    past = await history.read(change.tx, change.row.id)
    prompt_id = past.prompt_at(seq, change.last_seq)
    undone = past.undone_with(prompt_id)
    if prompt_id in past.ahead:
        raise Conflict(
            "This prompt is undone already.",
            remedy="Go forward again first.",
            code="prompt_undone",
        )
    return wanted(
        prompt_id,
        undone,
        by.name,
        seq=seq,
        undone_from=past.first_undone(prompt_id),
        before=change.row.rewind,
    )


def _forward(change: Change, by: Person) -> Rewind:
    """To before the rewind."""
    if change.row.rewind is None:
        raise Conflict(
            "There is nothing to go forward to.",
            remedy="What a rewind undid comes back only until something new is said.",
            code="not_rewound",
        )
    return wanted(None, [], by.name, before=change.row.rewind)


def _order(rewind: Rewind) -> RewindCommand:
    newest = rewind.get("fork") == "newest"
    return RewindCommand(rewind_id=rewind["id"], undone=rewind["undone"], fork=newest)
