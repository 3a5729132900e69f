"""What goes wrong between OpenCode and a model: each is one sentence, and the session lives on."""

import pytest

from bunkhouse_protocol.events import AgentMessageChunk, MessageRetracted, ModelRetry, ToolCall

from .bench import Bench
from .model_server import Call, Cut, Drop, Finish, Gate, Reply, Reset, Status, Text, Thought

pytestmark = pytest.mark.asyncio(loop_scope="session")
DONE = (Text("Done."), Finish())
FOX = "The quick brown fox jumps over the lazy dog."
ECHO = {"command": "echo hi", "description": "d"}


async def breaking(bench: Bench, shown: str, reply: Reply, *then: Reply) -> None:
    """Run a turn whose first answer breaks at its gate, once people see `shown`."""
    gate = next(step for step in reply if isinstance(step, Gate))
    turn = bench.prompt(reply, *then)
    await bench.until_text(shown)
    gate.open()
    result = await turn
    assert (result.outcome, result.message) == ("done", None)


@pytest.mark.parametrize("ending", [Reset(), Drop()], ids=["reset", "closed"])
async def test_a_broken_stream_leaves_neither_gap_nor_repeat(
    bench: Bench, ending: Reset | Drop
) -> None:
    broken = [Thought("Hm. "), Text(FOX[:24]), Gate(), ending]
    await breaking(bench, FOX[:24], broken, [Thought("Hm. "), Text(FOX, 5), Finish()])
    assert (bench.thought(), bench.said()) == (["Hm. "], [FOX])
    assert bench.all(MessageRetracted) == []
    assert len({chunk.message_id for chunk in bench.all(AgentMessageChunk)}) == 1
    assert len(bench.all(ModelRetry)) == 1


async def test_a_broken_text_that_begins_anew_is_retracted(bench: Bench) -> None:
    broken = [Thought("First idea"), Text("The quick brown fox"), Gate(), Reset()]
    await breaking(
        bench, "brown fox", broken, [Thought("Second"), Text("The quick red fox."), Finish()]
    )
    assert (bench.thought(), bench.said()) == (["Second"], ["The quick red fox."])


async def test_a_call_that_broke_off_ends_as_failed(bench: Bench) -> None:
    broken = [Text("I look. "), Call("bash", ECHO, complete=False), Gate(), Reset()]
    gate = broken[2]
    assert isinstance(gate, Gate)
    turn = bench.prompt(broken, [Text("I look. "), Call("bash", ECHO), Finish()], DONE)
    await bench.until(ToolCall)
    gate.open()
    assert (await turn).outcome == "done"
    assert bench.said() == ["I look. ", "Done."]
    half, whole = bench.calls()
    assert half.status == "failed" and half.error is not None and "broke off" in half.error
    assert (whole.status, whole.output) == ("completed", "hi\n")


async def test_a_silent_end_is_gone_on_from_and_not_taken_for_an_answer(bench: Bench) -> None:
    result = await bench.turn([Text(FOX[:24]), Cut()], [Text(FOX), Finish()])
    assert result.outcome == "done"
    assert bench.said() == [FOX]
    (retry,) = bench.all(ModelRetry)
    assert "broke off" in retry.message
    await bench.turn([Text("One, two, "), Cut()], [Text("three."), Finish()])
    assert bench.said() == ["One, two, ", "three."]


async def test_a_model_that_does_not_take_its_half_answer_is_asked_to_go_on(bench: Bench) -> None:
    refusal = Status(400, "The conversation must end with a user message.")
    result = await bench.turn([Text(FOX[:24]), Cut()], [refusal], [Text(FOX), Finish()])
    assert (result.outcome, result.message) == ("done", None)
    assert bench.said() == [FOX]


async def test_silent_ends_without_end_are_given_up(bench: Bench) -> None:
    result = await bench.turn(*[[Text("And "), Cut()]] * 9)
    assert (result.outcome, result.code) == ("failed", "model_broke_off")
    assert bench.model.left >= 5
    assert (await bench.turn(DONE)).outcome == "done"


@pytest.mark.parametrize(
    ("status", "said", "code"),
    [
        (400, "This is no good.", "model_refused"),
        (401, "Incorrect API key provided.", "model_unauthorized"),
        (413, "", "context_overflow"),
    ],
)
async def test_a_refusal_is_one_sentence(bench: Bench, status: int, said: str, code: str) -> None:
    result = await bench.turn(*[[Status(status, said)]] * 3)
    assert (result.outcome, result.code) == ("failed", code)
    assert result.message is not None and said in result.message
    assert (await bench.turn(DONE)).outcome == "done"


@pytest.mark.parametrize(
    ("status", "said", "code"),
    [(429, "Rate limit reached.", "model_rate_limited"), (500, "Boom.", "model_failed")],
)
async def test_a_model_that_keeps_failing_is_given_up(
    bench: Bench, status: int, said: str, code: str
) -> None:
    failing = [Status(status, said, {"retry-after-ms": "50"})]
    result = await bench.turn(failing, DONE)
    assert result.outcome == "done"
    result = await bench.turn(*[failing] * 9)
    assert (result.outcome, result.code) == ("failed", code)
    assert result.message is not None and said in result.message
    # A third may have begun before OpenCode was told to end the turn.
    assert [retry.attempt for retry in bench.all(ModelRetry)][:2] == [1, 2]
    assert bench.model.left > 0
    assert (await bench.turn(DONE)).outcome == "done"


async def test_a_provider_that_wants_a_long_pause_ends_the_turn(bench: Bench) -> None:
    result = await bench.turn([Status(429, "Come back tomorrow.", {"retry-after": "90000"})])
    assert (result.outcome, result.code) == ("failed", "model_rate_limited")


async def test_an_unknown_model_is_not_tried_again(bench: Bench) -> None:
    missing = [Status(404, "The model `x` does not exist.")]
    result = await bench.turn(*[missing] * 3, model="openai/x")
    assert (result.outcome, result.code) == ("failed", "model_not_found")
    assert len(bench.model.requests) == 1


async def test_a_model_that_falls_silent_is_asked_again(bench: Bench) -> None:
    result = await bench.turn([Text(FOX[:9]), Gate()], [Text(FOX), Finish()])
    assert result.outcome == "done"
    assert bench.said() == [FOX]


async def test_the_hub_may_be_restarted_in_the_middle_of_a_turn(bench: Bench) -> None:
    gate = Gate()
    turn = bench.prompt([Text(FOX[:24]), gate, Drop()], [Text(FOX), Finish()])
    await bench.until_text(FOX[:24])
    await bench.model.stop()
    gate.open()
    await bench.until(ModelRetry)
    await bench.model.start()
    assert (await turn).outcome == "done"
    assert bench.said() == [FOX]


async def test_a_hub_that_is_away_for_long_is_waited_for(bench: Bench) -> None:
    gate = Gate()
    turn = bench.prompt([Text(FOX[:24]), gate, Drop()], [Text(FOX), Finish()])
    await bench.until_text(FOX[:24])
    await bench.model.stop()
    gate.open()
    await bench.until(ModelRetry, lambda retry: retry.attempt == 2)
    await bench.model.start()
    result = await turn
    assert (result.outcome, result.message) == ("done", None)
    assert bench.said() == [FOX]
    *_, prompt, go_on = [message["content"] for message in bench.model.requests[-1]["messages"]]
    assert prompt == "Hello" and "broke off" in go_on


async def test_a_stop_is_heard_while_a_model_is_waited_for(bench: Bench) -> None:
    turn = bench.prompt([Status(500, "Boom.", {"retry-after": "60"})])
    await bench.until(ModelRetry)
    await bench.agent.stop_turn()
    assert (await turn).outcome == "stopped"
