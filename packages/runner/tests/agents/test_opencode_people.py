"""What people do to a turn: stop it, allow and refuse, answer."""

import asyncio

import pytest

from bunkhouse_protocol.events import (
    PermissionRequested,
    PermissionResolved,
    QuestionAsked,
    QuestionResolved,
    ToolOutputChunk,
)

from .bench import Bench
from .model_server import Call, Finish, Gate, Text

pytestmark = pytest.mark.asyncio(loop_scope="session")
DONE = (Text("Done."), Finish())
QUESTION = {
    "question": "Which?",
    "header": "Pick",
    "options": [{"label": "A", "description": "a"}, {"label": "B", "description": "b"}],
}


def fetch(path: str) -> Call:
    return Call("webfetch", {"url": f"http://127.0.0.1:9/{path}", "format": "text"})


async def test_a_turn_is_stopped_in_the_middle_of_a_sentence(bench: Bench) -> None:
    turn = bench.prompt([Text("Half a"), Gate()])
    await bench.until_text("Half a")
    await bench.agent.stop_turn()
    result = await turn
    assert (result.outcome, result.message, result.code) == ("stopped", None, None)
    assert bench.said() == ["Half a"]
    assert (await bench.turn(DONE)).outcome == "done"
    assert bench.said() == ["Done."]


async def test_a_stop_ends_commands_that_do_not_want_to_end(bench: Bench) -> None:
    command = 'trap "" TERM; echo go; (trap "" TERM; sleep 98761) & sleep 98762; sleep 98763'
    turn = bench.prompt([Call("bash", {"command": command, "description": "d"}), Finish()])
    await bench.until(ToolOutputChunk)
    async with asyncio.timeout(6):
        await bench.agent.stop_turn()
        assert (await turn).outcome == "stopped"
    (call,) = bench.calls()
    assert (call.status, call.error) == ("failed", "Stopped.")
    await bench.gone("sleep 9876[123]")


async def test_a_stop_at_once_and_a_stop_of_nothing(bench: Bench) -> None:
    await bench.agent.stop_turn()
    turn = bench.prompt([Text("Never"), Gate()])
    await asyncio.sleep(0)
    await bench.agent.stop_turn()
    assert (await turn).outcome == "stopped"
    assert (await bench.turn(DONE)).outcome == "done"


async def test_a_turn_that_is_cancelled_leaves_the_agent_usable(bench: Bench) -> None:
    turn = bench.prompt([Text("Half a"), Gate()])
    await bench.until_text("Half a")
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert (await bench.turn(DONE)).outcome == "done"


async def test_a_permission_is_asked_for_and_given(bench: Bench) -> None:
    turn = bench.prompt([fetch("a"), Finish()], DONE)
    asked = await bench.until(PermissionRequested)
    assert (asked.permission, asked.title) == ("webfetch", "http://127.0.0.1:9/a")
    assert asked.patterns == ["http://127.0.0.1:9/a"] and asked.always == ["*"]
    (call,) = bench.calls()
    assert asked.tool_call_id == call.tool_call_id and call.status == "in_progress"
    assert await bench.agent.answer_permission(asked.request_id, "once", None)
    assert (await turn).outcome == "done"
    assert [answer.reply for answer in bench.all(PermissionResolved)] == ["once"]
    assert not await bench.agent.answer_permission(asked.request_id, "once", None)


async def test_a_refusal_with_words_is_told_to_the_agent(bench: Bench) -> None:
    turn = bench.prompt([fetch("b"), Finish()], DONE)
    asked = await bench.until(PermissionRequested)
    assert await bench.agent.answer_permission(asked.request_id, "reject", "Read a.txt instead.")
    assert (await turn).outcome == "done"
    assert bench.said() == ["Done."]
    (call,) = bench.calls()
    assert call.status == "failed" and "Read a.txt instead." in (call.error or "")


async def test_always_settles_what_else_was_asked(bench: Bench) -> None:
    skill = Call("skill", {"name": "customize-opencode"})
    turn = bench.prompt([skill, skill, Finish()], [skill, Finish()], DONE)
    first = await bench.until(PermissionRequested)
    await bench.until(PermissionRequested, lambda asked: asked.request_id != first.request_id)
    assert await bench.agent.answer_permission(first.request_id, "always", None)
    assert (await turn).outcome == "done"
    assert [answer.reply for answer in bench.all(PermissionResolved)] == ["always", "always"]


async def test_questions_are_asked_and_answered(bench: Bench) -> None:
    turn = bench.prompt([Call("question", {"questions": [QUESTION]}), Finish()], DONE)
    asked = await bench.until(QuestionAsked)
    (question,) = asked.questions
    assert (question.question, question.header) == ("Which?", "Pick")
    assert [option.label for option in question.options] == ["A", "B"]
    assert await bench.agent.answer_question(asked.request_id, [["A"]])
    assert (await turn).outcome == "done"
    assert [answer.answers for answer in bench.all(QuestionResolved)] == [[["A"]]]
    (call,) = bench.calls()
    assert (call.title, call.status) == ("Which?", "completed")


async def test_a_question_may_be_dismissed_and_is_void_after_a_stop(bench: Bench) -> None:
    turn = bench.prompt([Call("question", {"questions": [QUESTION]}), Finish()], DONE)
    asked = await bench.until(QuestionAsked)
    assert await bench.agent.answer_question(asked.request_id, None)
    assert (await turn).outcome == "done"
    turn = bench.prompt([Call("question", {"questions": [QUESTION]}), Finish()], DONE)
    asked = await bench.until(QuestionAsked)
    await bench.agent.stop_turn()
    assert (await turn).outcome == "stopped"
    assert not await bench.agent.answer_question(asked.request_id, [["A"]])
