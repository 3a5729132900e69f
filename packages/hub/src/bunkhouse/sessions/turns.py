"""Turns: giving the next prompt to the agent, and ending what runs."""

from datetime import UTC, datetime

from bunkhouse.sessions import committers, leaving
from bunkhouse.sessions.journal import Change
from bunkhouse.sessions.lifecycle import TURN_STATES, Actor
from bunkhouse.store import prompts
from bunkhouse.store.sessions import Rewind, SessionRow
from bunkhouse_protocol.events import (
    Attachment,
    Notice,
    PermissionResolved,
    PromptSteered,
    PromptWithdrawn,
    QuestionResolved,
    TurnEnded,
    TurnStarted,
)
from bunkhouse_protocol.link import CommitIdentity, PromptCommand, SteerCommand, StopCommand


async def running(change: Change) -> prompts.PromptRow | None:
    """The prompt that the agent is at work on."""
    found = await prompts.in_state(change.tx, [change.row.id], "working")
    return found[0] if found else None


def rewind_due(row: SessionRow) -> Rewind | None:
    """How the sandbox has yet to go back to an earlier prompt, or forward; None: it has not."""
    rewind = row.rewind
    return rewind if rewind is not None and rewind["state"] == "requested" else None


async def begin_next(change: Change) -> None:
    """Give the agent the next prompt of the queue, if it is free and nobody drives.

    While the session goes back in time it is not free.
    Where no new work is to begin, the prompt waits and the log says why: the reconciler goes on
    with it when that is over.
    """
    if change.row.state != "idle" or change.row.driver is not None:
        return
    if rewind_due(change.row):
        return
    queue = await prompts.in_state(change.tx, [change.row.id], "queued")
    if not queue:
        return
    if _held(change):
        return
    prompt = queue[0]
    model = prompt.model or change.row.model
    await prompts.move(change.tx, prompt.id, "working")
    change.row.rewind = None  # what was undone is so for good
    change.move("working", "hub")
    change.record(TurnStarted(turn_id=prompt.id, model=model))
    change.row.activity = None
    row = change.row
    author = await committers.of(change.tx, prompt.author_id, prompt.author, row.repository)
    await change.command(
        PromptCommand(
            turn_id=prompt.id,
            text=prompt.text,
            model=model,
            attachments=_attachments(prompt),
            author=CommitIdentity(name=author.name, email=author.email),
        )
    )


async def hurry(change: Change, prompt_id: str, *, steers: bool) -> None:
    """Have the agent get a waiting prompt, the next of the queue, as soon as can be.

    Where a turn works and its runner `steers`, the prompt goes into it: the agent reads it at its
    next step (`steered`), and if the turn ends before that the prompt is where it was, the next.
    Else the turn is stopped, which makes way for it. A person who drives is not to be hurried.
    """
    turn = await running(change)
    if turn is None or change.row.driver is not None:
        return
    prompt = await prompts.get(change.tx, change.row.id, prompt_id)
    if prompt is None or prompt.state != "queued":
        return
    if not steers or change.row.state != "working":
        if _held(change):  # to stop a turn for one that can't begin helps nobody
            return
        # While it waits for a person, the agent reads nothing.
        await change.command(StopCommand(turn_id=turn.id))
        return
    await prompts.move(change.tx, prompt.id, "steering")
    await change.command(
        SteerCommand(
            turn_id=turn.id,
            prompt_id=prompt.id,
            text=prompt.text,
            model=prompt.model or change.row.model,
            attachments=_attachments(prompt),
        )
    )


async def steered(change: Change, event: PromptSteered) -> None:
    """The agent has read a prompt within the running turn. Other word of it changes nothing."""
    turn = await running(change)
    prompt = await prompts.get(change.tx, change.row.id, event.prompt_id)
    if turn is None or turn.id != event.turn_id or prompt is None or prompt.state != "steering":
        return
    await prompts.move(change.tx, prompt.id, "steered")
    change.record(event)


async def end(change: Change, ended: TurnEnded, *, by: Actor) -> None:
    """End the running turn as `ended` says, and begin the next.

    Word of a turn that does not run (it was ended already) changes nothing.
    """
    prompt = await running(change)
    if prompt is None or prompt.id != ended.turn_id:
        return
    await _settle(change, ended)
    if change.row.state in TURN_STATES:
        change.move("idle", by)
    if await leaving.is_due(change, ended):
        await leaving.leave(change, "hub", "the agent said that it is done")
        return
    await begin_next(change)


async def lose(change: Change, *, code: str, message: str) -> None:
    """Fail the running turn, if there is one, since its sandbox or agent is gone.

    The session's state is for the caller to move.
    """
    prompt = await running(change)
    if prompt is not None:
        ms = round((datetime.now(UTC) - prompt.created_at).total_seconds() * 1000)
        await _settle(
            change,
            TurnEnded(turn_id=prompt.id, outcome="failed", code=code, message=message, ms=ms),
        )


async def stop(change: Change) -> None:
    """End what runs; where nothing runs yet, take back what waits to be run."""
    prompt = await running(change)
    if prompt is None and change.row.state in ("queued", "starting", "restoring"):
        for waiting in await prompts.in_state(change.tx, [change.row.id], "queued"):
            await withdraw(change, waiting.id)
    if prompt is not None or change.row.state in ("starting", "restoring", "idle"):
        await change.command(StopCommand(turn_id=prompt.id if prompt else None))


async def withdraw(change: Change, prompt_id: str) -> None:
    """Take a waiting prompt out of the queue."""
    await prompts.move(change.tx, prompt_id, "withdrawn")
    change.record(PromptWithdrawn(prompt_id=prompt_id))


async def _settle(change: Change, ended: TurnEnded) -> None:
    await prompts.move(change.tx, ended.turn_id, ended.outcome)
    for beside in await prompts.in_state(change.tx, [change.row.id], "steered", "steering"):
        # What the agent did not get to waits on, before all others.
        read = beside.state == "steered"
        await prompts.move(change.tx, beside.id, ended.outcome if read else "queued")
    for request_id, kind in change.row.pending.items():
        if kind != "permission":
            change.record(QuestionResolved(request_id=request_id, answers=None))
        else:
            change.record(PermissionResolved(request_id=request_id, reply="void"))
    change.row.pending = {}
    change.record(ended)
    if ended.outcome == "failed":
        change.row.activity = ended.message


def _held(change: Change) -> bool:
    """Whether no new work is to begin; the log says why."""
    why = change.hold()
    if why is None:
        return False
    said = f"{why} The prompt waits until then, and goes on by itself."
    change.record(Notice(code="work_held", message=said))
    return True


def _attachments(prompt: prompts.PromptRow) -> list[Attachment]:
    return [Attachment.model_validate(each) for each in prompt.attachments]
