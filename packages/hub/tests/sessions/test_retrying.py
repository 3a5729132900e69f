"""Saying again what failed: the same words and files, once however often it is asked for."""

import asyncio

import pytest

from bunkhouse.errors import Conflict, NotFound
from bunkhouse.people.identity import Person
from bunkhouse.sessions import turns
from bunkhouse_protocol.events import PromptQueued, TurnEnded

from ..conftest import ADMIN, Room
from .runner import Runner, working

BOB = Person(id="u_bob", name="Bob", role="member")


async def failed(room: Room, outcome: str = "failed") -> tuple[str, Runner, str]:
    session_id, runner, turn = await working(room)
    await runner.say(TurnEnded.model_validate({"turn_id": turn, "outcome": outcome}))
    return session_id, runner, turn


@pytest.mark.parametrize("outcome", ["failed", "stopped"])
async def test_a_prompt_is_said_again_by_whoever_asks(room: Room, outcome: str) -> None:
    session_id, runner, turn = await failed(room, outcome)
    again = await room.sessions.retry_prompt(session_id, turn, BOB)
    assert (again.text, again.author, again.state) == ("first", "Bob", "working")
    assert again.retry_of == turn
    log = await room.sessions.events(session_id, limit=1000)
    told = next(e for e in log if isinstance(e, PromptQueued) and e.prompt_id == again.id)
    assert told.retry_of == turn
    # The repetition that fails can be repeated in its turn.
    await runner.say(TurnEnded(turn_id=again.id, outcome="failed"))
    third = await room.sessions.retry_prompt(session_id, again.id, ADMIN)
    assert third.id not in (turn, again.id)
    assert third.retry_of == again.id


async def test_asked_at_once_and_later_it_is_said_once(room: Room) -> None:
    session_id, runner, turn = await failed(room)
    first, *others = await asyncio.gather(
        *(room.sessions.retry_prompt(session_id, turn, BOB) for _ in range(4))
    )
    assert {each.id for each in others} == {first.id}
    await runner.say(TurnEnded(turn_id=first.id, outcome="done"))
    late = await room.sessions.retry_prompt(session_id, turn, ADMIN)
    assert (late.id, late.state) == (first.id, "done")
    log = await room.sessions.events(session_id, limit=1000)
    assert sum(isinstance(e, PromptQueued) for e in log) == 2


async def test_it_comes_before_what_waits(room: Room) -> None:
    session_id, runner, turn = await working(room)
    later = await room.sessions.prompt(session_id, "later", ADMIN)
    await room.sessions.prompt(session_id, "last", ADMIN)
    await runner.say(TurnEnded(turn_id=turn, outcome="failed"))
    again = await room.sessions.retry_prompt(session_id, turn, ADMIN)
    assert (await room.sessions.get(session_id)).state == "working"
    await runner.say(TurnEnded(turn_id=later.id, outcome="done"))
    assert [p.text for p in (await room.sessions.get(session_id)).queue] == ["last"]
    assert (await room.sessions.retry_prompt(session_id, turn, ADMIN)).state == "working"
    assert again.state == "queued"


async def test_one_that_was_taken_back_may_be_asked_for_again(room: Room) -> None:
    session_id, _, turn = await working(room)
    await room.sessions.prompt(session_id, "later", ADMIN)
    async with room.journal.change(session_id) as change:
        # As after a failure, with another turn at work.
        await turns.lose(change, code="agent_died", message="It died.")
        change.move("idle", "hub")
        await turns.begin_next(change)
    again = await room.sessions.retry_prompt(session_id, turn, ADMIN)
    await room.sessions.withdraw(session_id, again.id, ADMIN)
    other = await room.sessions.retry_prompt(session_id, turn, ADMIN)
    assert other.id != again.id


async def test_only_what_failed_is_said_again(room: Room) -> None:
    session_id, runner, turn = await working(room)
    with pytest.raises(Conflict) as refused:
        await room.sessions.retry_prompt(session_id, turn, ADMIN)
    assert refused.value.reason == "prompt_not_failed"
    await runner.say(TurnEnded(turn_id=turn, outcome="done"))
    with pytest.raises(Conflict):
        await room.sessions.retry_prompt(session_id, turn, ADMIN)
    with pytest.raises(NotFound):
        await room.sessions.retry_prompt(session_id, "p_none", ADMIN)


async def test_a_session_that_sleeps_is_woken_by_it(room: Room) -> None:
    session_id, _, turn = await failed(room)
    async with room.journal.change(session_id) as change:
        change.move("hibernating", "hub")
        change.move("hibernated", "hub")
    again = await room.sessions.retry_prompt(session_id, turn, ADMIN)
    assert again.state == "queued"
    assert (await room.sessions.get(session_id)).state == "restoring"
