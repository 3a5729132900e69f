"""A person drives and hands back: who may when, what the agent is told, and no dead end."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bunkhouse.errors import Conflict, SandboxNotRunning
from bunkhouse.people import Person
from bunkhouse.sessions import NewSession
from bunkhouse.sessions.drivers import Drivers
from bunkhouse.sessions.reaching import Reaching, Way
from bunkhouse.store import outbox
from bunkhouse_protocol.events import (
    DriveEnded,
    DriveStarted,
    Event,
    PromptQueued,
    TurnEnded,
    TurnStarted,
)

from ..conftest import ADMIN, Room
from ..sandbox import FakeSandbox, fake_sandbox
from .runner import Runner

BOB = Person(id="u_bob", name="Bob", role="member")
SNAPSHOT = "5" * 40


class ReachingOne(Reaching):
    """Finds one sandbox, if there is one."""

    sandbox: FakeSandbox | None = None

    async def socket(self, session_id: str, way: Way) -> Path:
        if self.sandbox is None:
            return await super().socket(session_id, way)
        return self.sandbox.gateway if way == "gateway" else self.sandbox.streams


class House(Runner):
    """A session whose agent works, its runner, and what drives it."""

    def __init__(self, room: Room, session_id: str) -> None:
        super().__init__(room, session_id)
        self.reaching = ReachingOne(room.journal, room.links, room.settings)
        self.drivers = Drivers(room.journal, self.reaching)

    async def commands(self) -> list[str]:
        async with self.room.database.read() as tx:
            waiting = await outbox.waiting(tx, self.session_id)
        return [command["command"] for _, _, command in waiting]

    async def forget_commands(self) -> None:
        async with self.room.database.write() as tx:
            await outbox.clear(tx, self.session_id)

    async def events(self) -> list[Event]:
        return list(await self.room.sessions.events(self.session_id))

    async def turn(self) -> str:
        turns = [event.turn_id for event in await self.events() if isinstance(event, TurnStarted)]
        return turns[-1]

    async def pause(self) -> None:
        """What the runner does once somebody wants to drive."""
        ended = TurnEnded(turn_id=await self.turn(), outcome="paused")
        await self.say(ended, DriveStarted(snapshot=SNAPSHOT))

    async def prompts(self) -> list[tuple[str, str]]:
        queue = (await self.room.sessions.get(self.session_id)).queue
        return [(prompt.kind, prompt.text) for prompt in queue]


@pytest.fixture
async def house(room: Room) -> House:
    view = await room.sessions.create(NewSession(prompt="first"), ADMIN)
    house = House(room, view.id)
    await house.start()
    return house


@pytest.fixture
async def sandbox(house: House, short_path: Path) -> AsyncGenerator[FakeSandbox]:
    async with fake_sandbox(short_path) as sandbox:
        house.reaching.sandbox = sandbox
        yield sandbox


HANDOVER = {
    "files": [
        {"path": "app.py", "status": "modified", "additions": 3, "deletions": 1},
        {"path": "logo.png", "status": "added", "binary": True},
    ],
    "diff": "--- a/app.py\n+++ b/app.py\n ```\n",
    "commands": [
        {"command": "make test", "cwd": "/workspace", "exit_code": 2},
        {"command": "sleep 99", "cwd": "/workspace"},
    ],
}


async def test_from_the_request_to_the_next_turn(house: House, sandbox: FakeSandbox) -> None:
    sandbox.handover = HANDOVER
    view = await house.drivers.drive(house.session_id, ADMIN)
    assert view.driver is not None
    assert (view.driver.name, view.driver.state, view.state) == ("Ada", "requested", "working")
    assert await house.commands() == ["prompt", "pause"]

    await house.pause()
    view = await house.room.sessions.get(house.session_id)
    assert view.driver is not None
    assert (view.driver.state, view.state) == ("driving", "idle")

    prompt = await house.room.sessions.prompt(house.session_id, "then this", BOB)
    assert prompt.state == "queued"
    assert prompt.notice == "Ada drives. The agent gets this when they hand back."
    await house.ready()
    assert (await house.room.sessions.get(house.session_id)).state == "idle"

    view = await house.drivers.hand_back(house.session_id, "Mind the tests", ADMIN)
    assert (view.driver, view.state) == (None, "working")
    assert sandbox.asked[-1] == ("POST", "/handover", {"snapshot": SNAPSHOT, "limit": 65536})
    assert await house.prompts() == [("prompt", "then this")]
    log = await house.events()
    ended = next(event for event in log if isinstance(event, DriveEnded))
    assert [file.path for file in ended.files] == ["app.py", "logo.png"]
    assert (ended.by, ended.note, ended.commands[0].exit_code) == ("Ada", "Mind the tests", 2)
    told = next(e for e in log if isinstance(e, PromptQueued) and e.kind == "hand_back")
    assert told.prompt_id == await house.turn()
    for words in (
        "Ada has worked",
        "- app.py (modified, +3 -1)",
        "- logo.png (added, binary)",
        "````diff\n--- a/app.py\n+++ b/app.py\n ```\n````",
        "/workspace $ make test  # exit code 2",
        "/workspace $ sleep 99  # still runs",
        "> Mind the tests",
        "Go on with what you were doing",
    ):
        assert words in told.text


async def test_one_driver_at_a_time_and_anybody_may_hand_back(house: House) -> None:
    await house.drivers.drive(house.session_id, ADMIN)
    seq = (await house.drivers.drive(house.session_id, ADMIN)).last_seq
    assert seq == (await house.room.sessions.get(house.session_id)).last_seq
    with pytest.raises(Conflict, match="Ada drives already") as refused:
        await house.drivers.drive(house.session_id, BOB)
    assert refused.value.reason == "driven"
    await house.pause()
    assert (await house.drivers.hand_back(house.session_id, None, BOB)).driver is None
    for wrong in (
        house.drivers.hand_back(house.session_id, None, BOB),
        house.drivers.give_up(house.session_id, BOB),
    ):
        with pytest.raises(Conflict, match="Nobody drives"):
            await wrong


async def test_a_sandbox_that_is_gone_can_be_handed_back(house: House) -> None:
    await house.drivers.drive(house.session_id, ADMIN)
    await house.pause()
    view = await house.drivers.hand_back(house.session_id, None, BOB)
    assert (view.driver, view.state) == (None, "working")
    told = [e for e in await house.events() if isinstance(e, PromptQueued)][-1]
    assert "could not be found out" in told.text
    assert "(Bob did that for them)" in told.text


@pytest.mark.parametrize("handover", [None, {"nonsense": 1}])
async def test_a_sandbox_that_tells_nothing_can_be_handed_back(
    house: House, sandbox: FakeSandbox, handover: dict[str, int] | None
) -> None:
    sandbox.handover = handover
    await house.drivers.drive(house.session_id, ADMIN)
    await house.pause()
    assert (await house.drivers.hand_back(house.session_id, None, ADMIN)).driver is None


async def test_handing_back_before_the_agent_rests_lets_it_go_on(house: House) -> None:
    await house.drivers.drive(house.session_id, ADMIN)
    await house.forget_commands()  # the runner has it already
    view = await house.drivers.hand_back(house.session_id, "never mind", ADMIN)
    assert (view.driver, view.state) == (None, "working")
    assert [kind for kind, _ in await house.prompts()] == ["hand_back"]
    await house.pause()
    view = await house.room.sessions.get(house.session_id)
    assert (view.driver, view.state, view.queue) == (None, "working", [])


async def test_giving_up_tells_the_agent_nothing(house: House) -> None:
    await house.drivers.drive(house.session_id, ADMIN)
    await house.room.sessions.prompt(house.session_id, "second", ADMIN)
    await house.pause()
    view = await house.drivers.give_up(house.session_id, BOB)
    assert (view.driver, view.state, view.queue) == (None, "working", [])
    queued = [e for e in await house.events() if isinstance(e, PromptQueued)]
    assert {event.kind for event in queued} == {"prompt"}


async def test_giving_up_in_time_does_not_stop_the_agent(house: House) -> None:
    await house.drivers.drive(house.session_id, ADMIN)
    await house.drivers.give_up(house.session_id, ADMIN)
    assert await house.commands() == ["prompt"]


async def test_word_that_nobody_waits_for_changes_nothing(house: House) -> None:
    before = (await house.room.sessions.get(house.session_id)).last_seq
    await house.say(DriveStarted(snapshot=SNAPSHOT))
    await house.drivers.drive(house.session_id, ADMIN)
    await house.say(DriveStarted(snapshot=SNAPSHOT))  # an earlier one's: a turn runs
    view = await house.room.sessions.get(house.session_id)
    assert view.last_seq == before + 1
    assert view.driver is not None
    assert view.driver.state == "requested"


async def test_a_runner_that_has_forgotten_is_told_again_and_only_then(house: House) -> None:
    await house.drivers.drive(house.session_id, ADMIN)
    await house.ready(turn=await house.turn())
    assert (await house.commands()).count("pause") == 1
    await house.forget_commands()
    await house.ready(turn=await house.turn())
    assert await house.commands() == ["pause"]
    await house.pause()
    await house.forget_commands()
    await house.ready()
    assert await house.commands() == []


async def test_a_lost_sandbox_comes_back_and_the_driver_stays(house: House) -> None:
    await house.drivers.drive(house.session_id, ADMIN)
    await house.pause()
    async with house.room.journal.change(house.session_id) as change:
        change.move("queued", "hub")
        change.move("starting", "hub")
    await house.ready()
    view = await house.room.sessions.get(house.session_id)
    assert view.driver is not None
    assert (view.state, view.driver.state) == ("idle", "driving")
    assert (await house.drivers.hand_back(house.session_id, None, ADMIN)).state == "working"


async def test_where_nothing_runs_there_is_nothing_to_drive(room: Room) -> None:
    view = await room.sessions.create(NewSession(), ADMIN)
    drivers = House(room, view.id).drivers
    with pytest.raises(SandboxNotRunning, match="queued"):
        await drivers.drive(view.id, ADMIN)
    assert (await room.sessions.get(view.id)).driver is None


async def test_what_is_handed_back_is_bounded(house: House, sandbox: FakeSandbox) -> None:
    file = {"path": "p" * 9_000, "status": "added"}
    command = {"command": "c" * 9_000, "cwd": "d" * 9_000, "exit_code": 0}
    sandbox.handover = {
        "files": [file] * 300,
        "diff": "x" * 1_000_000,
        "commands": [command] * 90,
    }
    await house.drivers.drive(house.session_id, ADMIN)
    await house.pause()
    await house.drivers.hand_back(house.session_id, None, ADMIN)
    told = [e for e in await house.events() if isinstance(e, PromptQueued)][-1]
    assert len(told.text) < house.room.settings.prompt_bytes
    assert "and 200 more" in told.text
    assert "The diff, the beginning of it:" in told.text
