"""Asking people: the answer, and what happens where there is none."""

import asyncio

import pytest

from bunkhouse.broker.tools.person import patience
from bunkhouse.errors import Conflict
from bunkhouse.sessions import asking
from bunkhouse.sessions.drivers import Drivers
from bunkhouse_protocol.events import QuestionAsked, QuestionResolved, ToolCall, TurnEnded

from ...settled import settled
from .conftest import ADA, Agent, Answer, House


async def asked(
    house: House, **arguments: object
) -> tuple[str, Agent, QuestionAsked, asyncio.Task[Answer]]:
    view, agent = await house.session()
    call = asyncio.create_task(agent.call("ask_person", question="Which colour?", **arguments))
    question = await house.until(view.id, "question_asked")
    assert isinstance(question, QuestionAsked)
    return view.id, agent, question, call


async def outcome(house: House, session: str) -> tuple[str, str]:
    (call,) = await house.calls(session)
    return call.outcome, call.message


async def test_a_person_answers_as_they_answer_the_agent_itself(house: House) -> None:
    session, _, question, call = await asked(house, choices=["Red", "Green", "Red"])
    assert [option.label for option in question.questions[0].options] == ["Red", "Green"]
    assert (await house.room.sessions.get(session)).state == "waiting"
    await house.room.sessions.reply_question(session, question.request_id, [["Green"]], ADA)
    assert await call == Answer("Ada answered: Green", False)
    assert (await house.room.sessions.get(session)).state == "working"
    assert await outcome(house, session) == ("done", "Ada answered.")
    with pytest.raises(Conflict):
        await house.room.sessions.reply_question(session, question.request_id, [["Red"]], ADA)


async def test_lists_say_what_is_asked_though_the_agents_own_word_comes_later(house: House) -> None:
    session, _, question, call = await asked(house)
    card = ToolCall(tool_call_id="t", tool="bunkhouse_ask_person", kind="question", title="")
    await house.runners[session].say(card)
    assert (await house.room.sessions.get(session)).activity == "Asks: Which colour?"
    await house.room.sessions.reply_question(session, question.request_id, None, ADA)
    await call


async def test_a_person_dismisses_it(house: House) -> None:
    session, _, question, call = await asked(house)
    await house.room.sessions.reply_question(session, question.request_id, None, ADA)
    assert (await call).text.startswith("Ada did not answer")


async def test_nobody_answers(house: House) -> None:
    house.room.settings.ask_seconds = 0.2
    session, _, _, call = await asked(house)
    assert (await call).text.startswith("Nobody answered within 0 seconds")
    assert await outcome(house, session) == ("done", "Nobody answered in time.")
    resolved = await house.until(session, "question_resolved")
    assert isinstance(resolved, QuestionResolved) and resolved.answers is None
    assert (await house.room.sessions.get(session)).state == "working"


async def test_the_turn_ends_meanwhile(house: House) -> None:
    session, _, _, call = await asked(house)
    ended = TurnEnded(turn_id=await house.turn(session), outcome="stopped")
    await house.runners[session].say(ended)
    assert (await call).text == "Nobody answered: the question is void."
    assert (await house.room.sessions.get(session)).state == "idle"


async def test_who_wants_to_drive_is_not_kept_waiting(house: House) -> None:
    session, agent, _, call = await asked(house)
    await Drivers(house.room.journal, house.rooms.reaching).drive(session, ADA)
    assert (await call).text.startswith("Ada did not answer")
    again = await agent.call("ask_person", question="And now?")
    assert again.failed and "(driven)" in again.text


async def test_an_agent_that_goes_away_leaves_no_question(house: House) -> None:
    session, _, question, call = await asked(house)
    call.cancel()
    resolved = await house.until(session, "question_resolved")
    assert isinstance(resolved, QuestionResolved)
    assert (resolved.request_id, resolved.answers) == (question.request_id, None)
    await house.until(session, "hub_tool_called")
    assert await outcome(house, session) == ("failed", "The call was broken off.")


async def test_a_sandbox_has_no_word_in_it(house: House) -> None:
    session, _, question, call = await asked(house)
    lie = QuestionResolved(request_id=question.request_id, answers=[["Red"]], by="Ada")
    await house.runners[session].say(lie)
    assert (await house.room.sessions.get(session)).state == "waiting"
    await house.room.sessions.reply_question(session, question.request_id, [["Green"]], ADA)
    assert (await call).text == "Ada answered: Green"


async def test_the_questions_of_a_hub_that_is_no_more_are_void(house: House) -> None:
    session, _, question, call = await asked(house)
    await asking.void_all(house.room.journal)
    assert (await call).text == "Nobody answered: the question is void."
    with pytest.raises(Conflict):
        await house.room.sessions.reply_question(session, question.request_id, [["Red"]], ADA)


@pytest.mark.parametrize(
    ("asks", "stalls", "waits"), [(1800, 3600, 1800), (9999, 3600, 3540), (9999, 60, 30)]
)
def test_it_gives_up_before_the_runner_does(asks: float, stalls: float, waits: float) -> None:
    assert patience(settled(ask_seconds=asks, tool_stall_seconds=stalls)) == waits
