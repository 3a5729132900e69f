"""Asking people, who answer in the page as they answer the agent's own questions."""

import asyncio

import anyio

from bunkhouse.broker.tools.arguments import AskPerson
from bunkhouse.broker.tools.work import Call, Told
from bunkhouse.errors import Conflict, NotFound
from bunkhouse.sessions import asking
from bunkhouse.sessions.identifiers import new_id
from bunkhouse.settings import Settings
from bunkhouse_protocol.events import Question, QuestionOption, QuestionResolved

_SPARE_SECONDS = 60.0
"""Before the runner takes a tool that says nothing for stalled."""


async def ask(call: Call, given: AskPerson) -> Told:
    """Ask, and wait for the answer.

    Raises:
        Conflict: somebody is about to work in the agent's place; the turn has ended meanwhile.
    """
    journal, request_id = call.rooms.journal, new_id("ask")
    seconds = patience(call.rooms.settings)
    question = Question(
        question=given.question,
        options=[QuestionOption(label=label) for label in dict.fromkeys(given.choices)],
    )
    async with journal.change(call.session_id) as change:
        if change.row.driver is not None:
            raise Conflict(
                f"{change.row.driver['name']} takes over, and the agent is to rest.",
                remedy="End the turn.",
                code="driven",
            )
        place = asking.ask(change, request_id, question)
    late = False
    try:
        async with asyncio.timeout(seconds):
            resolved = await asking.wait(journal, call.session_id, request_id, place)
    except TimeoutError:
        late, resolved = True, QuestionResolved(request_id=request_id, answers=None)
    finally:
        await _void(call, request_id)
    return _told(resolved, late, seconds)


def patience(settings: Settings) -> float:
    """How long an answer is waited for, in seconds."""
    longest = settings.tool_stall_seconds
    return min(settings.ask_seconds, max(longest - _SPARE_SECONDS, longest / 2))


async def _void(call: Call, request_id: str) -> None:
    """Nobody waits any more. Nothing happens to a question that was answered."""
    with anyio.CancelScope(shield=True):
        try:
            async with call.rooms.journal.change(call.session_id) as change:
                asking.resolve(change, request_id, None, None)
        except NotFound:
            return


def _told(resolved: QuestionResolved, late: bool, seconds: float) -> Told:
    if resolved.answers is not None:
        words = ", ".join(label for labels in resolved.answers for label in labels)
        who = resolved.by or "Somebody"
        return Told(f"{who} answered: {words}", f"{who} answered.")
    if late:
        waited = f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"
        return Told(
            f"Nobody answered within {waited}. Go on with what you judge to be best and say what "
            "you took for granted; or end your turn with the question.",
            "Nobody answered in time.",
        )
    if resolved.by is not None:
        return Told(
            f"{resolved.by} did not answer the question. Go on with what you judge to be best.",
            f"{resolved.by} did not answer.",
        )
    return Told("Nobody answered: the question is void.", "The question is void.")
