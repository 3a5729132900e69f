import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx2
import pytest

from bunkhouse_protocol.events import DriveStarted, TurnEnded
from bunkhouse_protocol.gateway import Handover
from bunkhouse_protocol.link import PauseCommand, PromptCommand, StopCommand
from bunkhouse_runner.drive.snapshots import Snapshots
from bunkhouse_runner.processes import Account

from . import test_runner
from .conftest import Doors, Git
from .fake_agent import FakeAgent
from .git_door import GitDoor
from .house import House

PATIENCE = 90.0


@pytest.fixture
async def house(room: Path, door: GitDoor, doors: Doors) -> AsyncGenerator[House]:
    async with asyncio.timeout(PATIENCE):
        yield test_runner.House(room, door, doors)


def started(house: House) -> list[DriveStarted]:
    return [event for event in house.hub.stored.events if isinstance(event, DriveStarted)]


async def driving(house: House, count: int = 1) -> DriveStarted:
    await house.hub.until(lambda: len(started(house)) >= count, PATIENCE)
    return started(house)[-1]


def order(house: House) -> list[str]:
    """How turns ended and drives began, in order."""
    return [
        event.outcome if isinstance(event, TurnEnded) else "driving"
        for event in house.hub.stored.events
        if isinstance(event, TurnEnded | DriveStarted)
    ]


async def at_work(house: House) -> None:
    await house.ready()
    await house.hub.command(PromptCommand(turn_id="t1", text="work", model="d/d"))
    await house.hub.until(lambda: bool(house.hub.of("tool_call")), PATIENCE)


async def pause(house: House) -> None:
    await house.hub.command(PauseCommand())
    await house.hub.until(lambda: not house.hub.stored.outbox, PATIENCE)


async def handover(house: House, snapshot: str) -> Handover:
    transport = httpx2.AsyncHTTPTransport(uds=str(house.room / "run" / "gateway.sock"))
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://g", timeout=PATIENCE
    ) as client:
        answer = await client.post("/handover", json={"snapshot": snapshot})
    return Handover.model_validate_json(answer.content)


async def test_without_a_turn_a_person_drives_at_once_and_hands_back(house: House) -> None:
    workspace = house.room / "workspace"
    journal = house.room / "home/.local/state/bunkhouse/commands"
    journal.parent.mkdir(parents=True)
    journal.write_text("1\t2\t3\t0\t/\tbefore\n")
    async with house.serve():
        async with house.running():
            await house.ready()
            (workspace / "mine.txt").write_text("the agent's\n")
            await house.hub.command(PauseCommand())
            snapshot = (await driving(house)).snapshot
        (workspace / "mine.txt").write_text("the person's\n")
        (workspace / "new.txt").write_text("new\n")
        (workspace / "noise.log").write_text("ignored\n")
        with journal.open("a") as file:
            file.write("1\t2\t4\t1\t/workspace\tmake\n")
        # What was remembered outlives the runner.
        async with house.running():
            await house.ready(2)
            found = await handover(house, snapshot)
    assert [(file.path, file.status) for file in found.files] == [
        ("mine.txt", "modified"),
        ("new.txt", "added"),
    ]
    assert "-the agent's\n+the person's" in found.diff
    assert [(one.command, one.exit_code) for one in found.commands] == [("make", 1)]
    assert order(house) == ["driving"]


async def test_a_running_tool_is_waited_for(house: House) -> None:
    async with house.serve(), house.running():
        await at_work(house)
        await pause(house)
        await pause(house)  # asked twice is asked once
        assert order(house) == []
        house.agent.tool_done.set()
        await driving(house)
        assert order(house) == ["paused", "driving"]
        assert (house.agent.calls.count("pause"), house.agent.calls.count("stop")) == (1, 0)
        # The next one asks anew, and a turn runs as ever.
        assert (await house.turn("t2", "say on")).outcome == "done"
        await pause(house)
        await driving(house, 2)


async def test_a_turn_that_ends_by_itself_meanwhile_is_done(house: House) -> None:
    def prepare(agent: FakeAgent) -> None:
        agent.finishes_first = True

    house.prepare = prepare
    async with house.serve(), house.running():
        await at_work(house)
        await pause(house)
        house.agent.tool_done.set()
        await driving(house)
    assert order(house) == ["done", "driving"]


async def test_a_stop_does_not_wait(house: House) -> None:
    async with house.serve(), house.running():
        await house.ready()
        await house.hub.command(PromptCommand(turn_id="t1", text="hang", model="d/d"))
        await house.hub.until(lambda: bool(house.hub.of("tool_call")), PATIENCE)
        await pause(house)
        await house.hub.command(StopCommand(turn_id="t1"))
        await driving(house)
    assert order(house) == ["stopped", "driving"]


async def test_what_waits_for_an_answer_is_at_rest(house: House) -> None:
    async with house.serve(), house.running():
        await house.ready()
        await house.hub.command(PromptCommand(turn_id="t1", text="ask", model="d/d"))
        await house.hub.until(lambda: bool(house.hub.of("permission_requested")), PATIENCE)
        # This agent ends its turn for an answer alone: it is given up.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("bunkhouse_runner.turns.STOP_SECONDS", 0.05)
            await pause(house)
            await driving(house)
    assert order(house) == ["paused", "driving"]


async def test_a_runner_that_restarts_remembers_who_waits(house: House) -> None:
    async with house.serve():
        async with house.running():
            await at_work(house)
            await pause(house)
        async with house.running():
            await driving(house)
            assert order(house) == ["failed", "driving"]
        async with house.running():
            await house.ready(3)
    assert order(house) == ["failed", "driving"]


async def test_snapshots_of_a_workspace_without_commits(
    room: Path, account: Account, git: Git
) -> None:
    workspace = room / "workspace"
    workspace.mkdir()
    account.own(workspace)
    git("init", "-q", cwd=workspace)
    for path in [workspace / ".git", *(workspace / ".git").rglob("*")]:
        account.own(path)
    (workspace / "a.txt").write_text("1\n")
    snapshots = Snapshots(workspace, account)
    before = await snapshots.take()
    assert (await snapshots.compare(before, 1000)).files == []
    (workspace / "a.txt").unlink()
    (workspace / "b.txt").write_text("".join(f"{n}\n" for n in range(1000)))
    found = await snapshots.compare(before, 200)
    assert [(file.path, file.status) for file in found.files] == [
        ("a.txt", "deleted"),
        ("b.txt", "added"),
    ]
    assert found.truncated
    assert len(found.diff) <= 200
    assert found.diff.endswith("\n")
    assert git("count-objects", cwd=workspace).startswith("0 objects")


async def test_a_workspace_that_git_cannot_read_is_driven_all_the_same(house: House) -> None:
    async with house.serve(), house.running():
        await house.ready()
        (house.room / "workspace" / ".git").rename(house.room / "gone")
        await pause(house)
        assert (await driving(house)).snapshot == ""
        assert (await handover(house, "")).files == []
