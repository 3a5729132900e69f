"""Questions to people that the hub asks for the agent, and answers to them.

OpenCode's own questions live in the sandbox, which hears the answer and says that it has it. For
one that a tool of the hub asks, the hub has the last word itself: the sandbox hears nothing but
what the tool gives back.
"""

from collections.abc import AsyncIterator, Sequence

from bunkhouse.errors import Conflict
from bunkhouse.people.identity import Person
from bunkhouse.sessions.journal import Change, Journal
from bunkhouse.sessions.lifecycle import TURN_STATES
from bunkhouse.store import sessions
from bunkhouse_protocol.events import Event, Question, QuestionAsked, QuestionResolved
from bunkhouse_protocol.link import QuestionCommand

ASKED = "asked"
"""The kind under which a session's row holds such a question."""

_ACTIVITY_LENGTH = 240


def ask(change: Change, request_id: str, question: Question) -> int:
    """Put a question before people, and return its place in the log. The turn waits."""
    row = change.row
    change.record(QuestionAsked(request_id=request_id, questions=[question]))
    row.pending = {**row.pending, request_id: ASKED}
    row.activity = f"Asks: {question.question}"[:_ACTIVITY_LENGTH]
    place = change.last_seq
    if row.state == "working":
        change.move("waiting", "hub", "the agent asks for something")
    return place


def check_pending(change: Change, request_id: str) -> None:
    """Go on only with a question, or a permission request, that waits for its answer.

    Raises:
        Conflict: it was answered already, or is void.
    """
    if request_id not in change.row.pending:
        raise Conflict("This was answered already, or its turn has ended.", code="not_pending")


async def answer(
    change: Change, request_id: str, answers: Sequence[Sequence[str]] | None, by: Person
) -> None:
    """Take a person's answers to a question that is pending, whoever asked it."""
    given = None if answers is None else [list(labels) for labels in answers]
    if change.row.pending[request_id] == ASKED:
        resolve(change, request_id, given, by.name)
        return
    await change.command(QuestionCommand(request_id=request_id, answers=given, by=by.name))


def resolve(
    change: Change, request_id: str, answers: list[list[str]] | None, by: str | None
) -> None:
    """End a question of the hub's; nothing happens where it has ended."""
    row = change.row
    if row.pending.get(request_id) != ASKED:
        return
    change.record(QuestionResolved(request_id=request_id, answers=answers, by=by))
    row.pending = {name: kind for name, kind in row.pending.items() if name != request_id}
    if row.state == "waiting" and not row.pending:
        change.move("working", "hub")


async def wait(journal: Journal, session_id: str, request_id: str, after: int) -> QuestionResolved:
    """Wait until a question that stands at place `after` has ended, and return how.

    Somebody who wants to drive is not kept waiting for it: then it ends without an answer.
    """
    batches = journal.follow(session_id, after=after)
    async for event in _events(batches):
        if isinstance(event, QuestionResolved) and event.request_id == request_id:
            return event
        if event.type == "drive_requested":
            async with journal.change(session_id) as change:
                resolve(change, request_id, None, event.by)
    return QuestionResolved(request_id=request_id, answers=None)


async def void_all(journal: Journal) -> None:
    """End the questions of a hub that is no more: nobody waits for their answers."""
    async with journal.database.read() as tx:
        rows = await sessions.in_states(tx, *TURN_STATES)
    for row in rows:
        if ASKED not in row.pending.values():
            continue
        async with journal.change(row.id) as change:
            for request_id, kind in list(change.row.pending.items()):
                if kind == ASKED:
                    resolve(change, request_id, None, None)


async def _events(batches: AsyncIterator[list[Event]]) -> AsyncIterator[Event]:
    async for batch in batches:
        for event in batch:
            yield event
