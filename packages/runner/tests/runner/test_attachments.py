"""A prompt's files and prompts within a turn: a whole runner, and doors that fail."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bunkhouse_protocol.events import Attachment, PromptSteered
from bunkhouse_protocol.link import PromptCommand, SteerCommand, StopCommand
from bunkhouse_runner import attachments as fetching
from bunkhouse_runner.agents.base import AttachedFile, Steered
from bunkhouse_runner.pictures import name_of

from .conftest import Doors
from .fake_agent import FakeAgent
from .git_door import GitDoor
from .house import House

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
SHOT = Attachment(blob=name_of(PNG), name="shot.png", mime="image/png", size=len(PNG))


class Blobs:
    """The hub's door: answers with the statuses of a script, then with what it has."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.has = {name_of(PNG): PNG}
        self.asked = asyncio.Event()
        self.hold: asyncio.Event | None = None

    async def give(self, request: Request) -> Response:
        self.asked.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.statuses:
            return Response(status_code=self.statuses.pop(0))
        data = self.has.get(request.path_params["blob"])
        return Response(data) if data is not None else Response(status_code=404)


class HouseWithBlobs(House):
    def __init__(self, room: Path, door: GitDoor, doors: Doors) -> None:
        super().__init__(room, door, doors)
        self.blobs = Blobs()
        self.more = [Route("/sandbox/blobs/{blob}", self.blobs.give)]


@pytest.fixture
def house(
    room: Path, door: GitDoor, doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> HouseWithBlobs:
    monkeypatch.setattr(fetching, "PAUSE_SECONDS", 0.01)
    return HouseWithBlobs(room, door, doors)


@asynccontextmanager
async def hanging(house: HouseWithBlobs) -> AsyncGenerator[None]:
    """A turn `t1` that goes on until it is stopped."""
    async with house.serve(), house.running():
        await house.ready()
        await house.hub.command(PromptCommand(turn_id="t1", text="hang", model="d/d"))
        await house.hub.until(lambda: bool(house.hub.of("tool_call")))
        yield


def steer(prompt: str, turn: str = "t1", *files: Attachment) -> SteerCommand:
    return SteerCommand(
        turn_id=turn, prompt_id=prompt, text=prompt, model="d/d", attachments=list(files)
    )


def steered(house: House) -> list[tuple[str, str]]:
    events = house.hub.stored.events
    return [(e.prompt_id, e.turn_id) for e in events if isinstance(e, PromptSteered)]


async def test_the_agent_is_given_the_files(house: HouseWithBlobs) -> None:
    house.blobs.statuses = [503, 502]  # a hub that is restarted meanwhile
    async with house.serve(), house.running():
        await house.ready()
        command = PromptCommand(turn_id="t1", text="say hi", model="d/d", attachments=[SHOT])
        await house.hub.command(command)
        assert (await house.ended("t1")).outcome == "done"
        assert house.agent.files == [AttachedFile("shot.png", "image/png", PNG)]


async def test_a_file_that_is_gone_fails_its_turn_alone(house: HouseWithBlobs) -> None:
    house.blobs.has.clear()
    async with house.serve(), house.running():
        await house.ready()
        command = PromptCommand(turn_id="t1", text="say hi", model="d/d", attachments=[SHOT])
        await house.hub.command(command)
        ended = await house.ended("t1")
        assert (ended.outcome, ended.code) == ("failed", "attachment_unavailable")
        assert "shot.png" in (ended.message or "")
        assert "prompt say hi" not in house.agent.calls
        assert (await house.turn("t2", "say on")).outcome == "done"


async def test_other_bytes_than_those_that_were_named_are_not_passed_on(
    house: HouseWithBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "PATIENCE_SECONDS", 0)
    house.blobs.has[SHOT.blob] = PNG[:-1]
    async with house.serve(), house.running():
        await house.ready()
        command = PromptCommand(turn_id="t1", text="say hi", model="d/d", attachments=[SHOT])
        await house.hub.command(command)
        assert (await house.ended("t1")).code == "attachment_unavailable"


async def test_a_stop_does_not_wait_for_files(house: HouseWithBlobs) -> None:
    house.blobs.hold = asyncio.Event()
    async with house.serve(), house.running():
        await house.ready()
        command = PromptCommand(turn_id="t1", text="say hi", model="d/d", attachments=[SHOT])
        await house.hub.command(command)
        await house.blobs.asked.wait()
        await house.hub.command(StopCommand(turn_id="t1"))
        assert (await house.ended("t1")).outcome == "stopped"
        house.blobs.hold.set()
        assert (await house.turn("t2", "say on")).outcome == "done"
        assert "prompt say hi" not in house.agent.calls


async def test_prompts_go_into_the_turn_in_their_order(house: HouseWithBlobs) -> None:
    async with hanging(house):
        await house.hub.command(steer("a", "t1", SHOT))
        await house.hub.command(steer("b"))
        await house.hub.until(lambda: len(steered(house)) == 2)
        assert steered(house) == [("a", "t1"), ("b", "t1")]
        assert house.turns == []


async def test_a_turn_that_is_over_takes_no_prompt(house: HouseWithBlobs) -> None:
    async with hanging(house):
        await house.hub.command(steer("x", "t0"))
        await house.hub.command(StopCommand(turn_id="t1"))
        await house.ended("t1")
        await house.hub.command(steer("y", "t1"))
        assert (await house.turn("t2", "say on")).outcome == "done"
        assert [call for call in house.agent.calls if call.startswith("steer")] == []


@pytest.mark.parametrize("how", ["stop", "later"])
async def test_an_agent_that_can_not_take_it_makes_way_or_goes_on(
    house: HouseWithBlobs, how: Steered
) -> None:
    def prepare(agent: FakeAgent) -> None:
        agent.steers = how

    house.prepare = prepare
    async with hanging(house):
        await house.hub.command(steer("a"))
        if how == "later":
            await house.hub.until(lambda: "steer a" in house.agent.calls or not house.turns)
            await house.hub.command(StopCommand(turn_id="t1"))
        assert (await house.ended("t1")).outcome == "stopped"
        assert house.agent.calls.count("stop") == 1
        assert steered(house) == []


async def test_a_file_that_is_gone_leaves_the_turn_alone(house: HouseWithBlobs) -> None:
    house.blobs.has.clear()
    async with hanging(house):
        await house.hub.command(steer("a", "t1", SHOT))
        await house.hub.command(steer("b"))
        await house.hub.until(lambda: bool(steered(house)))
        assert steered(house) == [("b", "t1")]
        assert house.turns == []
