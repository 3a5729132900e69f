"""Back and forward in the conversation of a real OpenCode: what its model is told afterwards."""

import itertools
from dataclasses import dataclass

import pytest

from .bench import Bench
from .conftest import Benches
from .model_server import Call, Finish, Text
from .test_opencode_steering import said_to

pytestmark = pytest.mark.asyncio(loop_scope="session")
DONE = (Text("Done."), Finish())
_numbers = itertools.count()


@dataclass
class Talk:
    """What this test says to an agent that others have talked to."""

    bench: Bench
    mark: str

    async def say(self, *names: str) -> None:
        for name in names:
            result = await self.bench.turn([*DONE], text=f"{self.mark} {name}", turn_id=name)
            assert result.outcome == "done"

    async def told(self) -> list[str]:
        """What the model is told of this test's prompts when there is another."""
        await self.say("last")
        said = said_to(self.bench.model.requests[-1])
        return [text.split(" ")[1] for text in said if text.startswith(f"{self.mark} ")]


@pytest.fixture
def talk(bench: Bench) -> Talk:
    return Talk(bench, f"test-{next(_numbers)}")


async def test_what_was_undone_is_not_told_after_the_next_prompt(talk: Talk) -> None:
    await talk.say("one", "two", "three")
    await talk.bench.agent.rewind(["two", "three"])
    assert await talk.told() == ["one", "last"]
    # For good: there is nothing left to go forward to.
    await talk.bench.agent.rewind([])
    assert await talk.told() == ["one", "last", "last"]


async def test_forward_again_and_further_back(talk: Talk) -> None:
    await talk.say("one", "two", "three")
    await talk.bench.agent.rewind(["three"])
    await talk.bench.agent.rewind(["one", "two", "three"])
    await talk.bench.agent.rewind([])
    assert await talk.told() == ["one", "two", "three", "last"]


async def test_turns_that_it_never_had_are_no_hindrance(talk: Talk) -> None:
    await talk.say("one")
    failed = await talk.bench.turn([*DONE], text="two", model="nobody/m", turn_id="never")
    assert failed.outcome == "failed"
    await talk.say("three")
    await talk.bench.agent.rewind(["never", "three"])
    assert await talk.told() == ["one", "last"]


async def test_back_to_the_very_beginning_outlives_the_process(benches: Benches) -> None:
    async with benches.bench() as bench:
        await bench.up()
        talk = Talk(bench, "alone")
        wrote = {"filePath": str(bench.workspace / "made.txt"), "content": "made\n"}
        await bench.turn([Call("write", wrote), Finish()], [*DONE], text="alone x", turn_id="x")
        await talk.say("two")
        await bench.agent.rewind(["x", "two"])
        await bench.agent.close()
        bench.agent = bench.new_agent()
        await bench.up()
        assert await talk.told() == ["last"]
        assert "made.txt" not in str(bench.model.requests[-1]["messages"])
