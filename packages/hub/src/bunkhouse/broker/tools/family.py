"""Starting child sessions and reading them, and ending one's own."""

import asyncio
from contextlib import suppress

from bunkhouse.broker.tools.arguments import EndSession, ReadSession, StartSession
from bunkhouse.broker.tools.work import Call, Told
from bunkhouse.people.permissions import missing
from bunkhouse.sessions import leaving, quoting
from bunkhouse.sessions.pull_requests.draft import draft
from bunkhouse.sessions.views import NewSession, SessionView

_BUSY = ("queued", "starting", "restoring", "working")
_WORDS_BYTES = 16 * 1024
_TITLE = 200


async def start(call: Call, given: StartSession) -> Told:
    """Start a child, which is the person's.

    Raises:
        TooMany: there are as many sessions, or children, or generations, as may be.
    """
    new = NewSession(parent=call.session_id, prompt=given.prompt, title=given.title)
    child = await call.rooms.sessions.create(new, call.person)
    own = (await call.rooms.sessions.get(call.session_id)).work_branch
    lines = [f"Session {child.id} was started: {child.title}", _began(child, own)]
    if child.work_branch:
        lines.append(
            f"Its own branch is {child.work_branch}: what it pushes there, you can fetch with git."
        )
    lines.append(f'Read it with `read_session`, `session_id` "{child.id}".')
    return Told("\n".join(lines), f"Session {child.id} was started.", session_id=child.id)


async def read(call: Call, given: ReadSession) -> Told:
    """Say how a child is, and what its agent said last.

    Raises:
        NotFound: there is no such child, or it is not for this person to see.
    """
    child = await _child(call, given.session_id)
    if given.wait_seconds:
        with suppress(TimeoutError):
            async with asyncio.timeout(given.wait_seconds):
                await _rest(call, child)
        child = await _child(call, given.session_id)
    said = await draft(call.rooms.journal, child.id)
    lines = [f"Session {child.id} is {_state(child)}: {quoting.plain(child.title, _TITLE)}"]
    if child.work_branch:
        lines.append(f"Its branch: {child.work_branch}")
    if child.pull_request is not None:
        pull = child.pull_request
        lines.append(f"Its pull request: #{pull.number}, {pull.state}: {pull.url}")
    lines.append(
        f"Changed: {child.changed_files} files, {child.additions} lines added and "
        f"{child.deletions} removed."
    )
    if said.body:
        lines.append(quoting.quoted_words(said.body, _WORDS_BYTES))
    else:
        lines.append("Its agent has said nothing yet.")
    return Told("\n".join(lines), f"Session {child.id} was read.", session_id=child.id)


async def end(call: Call, given: EndSession) -> Told:
    """Have the session end after the turn that runs."""
    async with call.rooms.journal.change(call.session_id) as change:
        leaving.after_turn(change, call.turn_id, call.person)
    return Told(
        "The session ends when this turn has ended. Say what there is left to say, and end it.",
        "The session ends after this turn.",
    )


async def _child(call: Call, session_id: str) -> SessionView:
    child = await call.rooms.sessions.get(session_id)
    if child.parent != call.session_id:
        raise missing(session_id)
    await call.rooms.rights.require(call.person, "session.read", session_id)
    return child


async def _rest(call: Call, child: SessionView) -> None:
    """Wait until it does nothing, or is gone."""
    if not _is_busy(child):
        return
    async for _ in call.rooms.journal.follow(child.id, after=child.last_seq):
        if not _is_busy(await call.rooms.sessions.get(child.id)):
            return


def _is_busy(child: SessionView) -> bool:
    return child.state in _BUSY or (child.state == "idle" and bool(child.queue))


def _state(child: SessionView) -> str:
    match child.state:
        case "idle":
            return "at rest"
        case "waiting":
            return "waiting for a person"
        case "working":
            return "at work"
        case _:
            return child.state


def _began(child: SessionView, own: str | None) -> str:
    if child.repository is None:
        return "Its workspace is empty: it has no repository."
    if own is not None and child.branch == own:
        return (
            f"It begins at your branch {own} as it is pushed. What you have not pushed is not "
            "there: push first, or say it in the prompt."
        )
    where = f"branch {child.branch}" if child.branch else "the default branch"
    return (
        f"It begins at {where} of the repository, where none of your own changes are: what it "
        "needs to know of them has to be in the prompt."
    )
