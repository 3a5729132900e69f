"""Prompts within a turn of a real OpenCode: read once, or not at all and then forgotten."""

import json
from typing import Any

import pytest

from bunkhouse_protocol.events import AgentMessageChunk, PromptSteered, ToolCall
from bunkhouse_runner.agents.base import AttachedFile

from .bench import MODEL, Bench
from .conftest import Benches
from .model_server import Call, Finish, Gate, Text

pytestmark = pytest.mark.asyncio(loop_scope="session")
DONE = (Text("Done."), Finish())


def wait_for(marker: str) -> Call:
    command = f"while [ ! -e {marker} ]; do sleep 0.02; done; rm {marker}"
    return Call("bash", {"command": command, "description": "d"})


def steered(bench: Bench) -> list[tuple[str, str]]:
    return [(event.prompt_id, event.turn_id) for event in bench.all(PromptSteered)]


def said_to(request: dict[str, Any]) -> list[str]:
    """What a request to the model has of a person's words."""
    found: list[str] = []
    for message in request["messages"]:
        if message["role"] == "user":
            content = message["content"]
            parts = [content] if isinstance(content, str) else [p.get("text") for p in content]
            found += [part for part in parts if part]
    return found


def times(bench: Bench, text: str) -> int:
    """How often the newest request to the model has it."""
    return said_to(bench.model.requests[-1]).count(text)


async def test_what_comes_while_a_tool_runs_is_read_at_the_next_step(bench: Bench) -> None:
    turn = bench.prompt([wait_for("go"), Finish()], [Text("Both."), Finish()], text="first")
    await bench.until(ToolCall)
    assert await bench.agent.steer("p_2", "and this", MODEL) == "given"
    assert await bench.agent.steer("p_3", "and that", MODEL) == "given"
    assert steered(bench) == []
    (bench.workspace / "go").touch()
    result = await turn
    assert (result.outcome, bench.said()) == ("done", ["Both."])
    assert steered(bench) == [("p_2", "t1"), ("p_3", "t1")]
    assert said_to(bench.model.requests[-1])[-2:] == ["and this", "and that"]
    order = [type(event).__name__ for event in bench.events]
    assert order.index("PromptSteered") < order.index(AgentMessageChunk.__name__)


async def test_what_comes_during_the_last_answer_is_answered_in_the_same_turn(
    bench: Bench,
) -> None:
    gate = Gate()
    turn = bench.prompt(
        [Text("That is "), gate, Text("all."), Finish()], [Text("More."), Finish()], text="first"
    )
    await bench.until_text("That is ")
    file = AttachedFile("notes.txt", "text/plain", b"remember")
    assert await bench.agent.steer("p_2", "", MODEL, [file]) == "given"
    gate.open()
    result = await turn
    assert (result.outcome, bench.said()) == ("done", ["That is all.", "More."])
    assert steered(bench) == [("p_2", "t1")]
    assert (result.input_tokens, len(bench.model.requests)) == (22, 2)


async def test_what_a_stopped_turn_has_not_read_was_never_said(bench: Bench) -> None:
    turn = bench.prompt([wait_for("never"), Finish()], text="first")
    await bench.until(ToolCall)
    assert await bench.agent.steer("p_2", "unread words", MODEL) == "given"
    await bench.agent.stop_turn()
    assert (await turn).outcome == "stopped"
    assert steered(bench) == []
    await bench.turn(DONE, text="unread words")
    assert times(bench, "unread words") == 1
    assert bench.notes.get("unread") is None


async def test_another_model_ends_the_turn_and_no_turn_takes_nothing(bench: Bench) -> None:
    assert await bench.agent.steer("p_2", "x", MODEL) == "later"
    turn = bench.prompt([wait_for("go"), Finish()], DONE)
    await bench.until(ToolCall)
    assert await bench.agent.steer("p_2", "x", "openai/another") == "stop"
    (bench.workspace / "go").touch()
    assert (await turn).outcome == "done"


async def test_what_a_runner_left_unread_when_it_was_killed_is_forgotten(benches: Benches) -> None:
    async with benches.bench() as bench:
        await bench.up()
        turn = bench.prompt([wait_for("never"), Finish()], text="first")
        await bench.until(ToolCall)
        assert await bench.agent.steer("p_2", "left unread", MODEL) == "given"
        assert len(json.loads(bench.notes.get("unread") or "[]")) == 1
        # As after `kill -9`: another process, the same memory, OpenCode's store as it is.
        left = bench.notes.kept.copy()
        await bench.agent.close()
        await turn
        bench.notes.kept = left
        bench.agent = bench.new_agent()
        await bench.up()
        assert bench.notes.get("unread") is None
        await bench.turn(DONE, text="left unread")
        assert times(bench, "left unread") == 1
