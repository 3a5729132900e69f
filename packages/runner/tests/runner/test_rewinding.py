"""Back and forward, as the hub has it done: in order, once, and whatever is killed on the way."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bunkhouse_protocol.events import Notice, Problem, RewindFailed, SessionRewound, TurnEnded
from bunkhouse_protocol.link import PromptCommand, RewindCommand, StopCommand
from bunkhouse_runner.errors import NotRewound, WorkspaceUnreadable
from bunkhouse_runner.rewinding.checkpoints import Checkpoint, Checkpoints
from bunkhouse_runner.spool import Spool

from . import test_runner
from .conftest import Doors
from .git_door import GitDoor
from .house import House

PATIENCE = 90.0


@pytest.fixture
async def house(room: Path, door: GitDoor, doors: Doors) -> AsyncGenerator[House]:
    async with asyncio.timeout(PATIENCE):
        yield test_runner.House(room, door, doors)


def answers(house: House) -> list[SessionRewound | RewindFailed]:
    return [e for e in house.hub.stored.events if isinstance(e, SessionRewound | RewindFailed)]


async def rewind(
    house: House, name: str, *undone: str, fork: bool = False, count: int | None = None
) -> SessionRewound | RewindFailed:
    count = len(answers(house)) + 1 if count is None else count
    await house.hub.command(RewindCommand(rewind_id=name, undone=list(undone), fork=fork))
    await house.hub.until(lambda: len(answers(house)) >= count, PATIENCE)
    return answers(house)[-1]


def written(house: House) -> set[str]:
    names = {path.name for path in (house.room / "workspace").iterdir()}
    return names & {"one", "two", "mine"}


async def two_turns(house: House) -> None:
    await house.ready()
    await house.turn("t1", "write one")
    await house.turn("t2", "write two")


async def test_back_further_back_and_forward(house: House) -> None:
    async with house.serve(), house.running():
        await two_turns(house)
        (house.room / "workspace/mine").write_text("a person's\n")
        said = await rewind(house, "r1", "t2")
        assert isinstance(said, SessionRewound)
        assert (said.prompt_id, written(house)) == ("t2", {"one"})
        await rewind(house, "r2", "t1", "t2")
        assert written(house) == set()
        await house.hub.until(lambda: house.changes[-1].files == [], PATIENCE)
        said = await rewind(house, "r3")
        assert isinstance(said, SessionRewound)
        assert (said.prompt_id, written(house)) == (None, {"one", "two", "mine"})
        assert [call for call in house.agent.calls if call.startswith("rewind")] == [
            "rewind t2",
            "rewind t1 t2",
            "rewind",
        ]


async def test_a_turn_makes_it_so_for_good(house: House) -> None:
    async with house.serve(), house.running():
        await two_turns(house)
        await rewind(house, "r1", "t1", "t2")
        await house.turn("t3", "write two")
        assert written(house) == {"two"}
        assert isinstance(await rewind(house, "r2"), RewindFailed)
        problem = house.hub.of("error")[-1]
        assert isinstance(problem, Problem)
        assert problem.code == "no_checkpoint"
        # And that can be undone in its turn.
        await rewind(house, "r3", "t3")
        assert written(house) == set()


async def test_what_was_asked_once_is_done_once(house: House) -> None:
    async with house.serve(), house.running():
        await two_turns(house)
        await rewind(house, "r1", "t2")
        await rewind(house, "r1", "t2", count=1)
        await house.turn("t3", "say on")
        assert len(answers(house)) == 1


async def test_a_turn_without_a_checkpoint(house: House) -> None:
    async with house.serve(), house.running():
        await two_turns(house)
        assert isinstance(await rewind(house, "r1", "t0"), RewindFailed)
        assert written(house) == {"one", "two"}
        assert "rewind t0" not in house.agent.calls


async def test_what_fails_leaves_things_as_they_were(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.serve(), house.running():
        await two_turns(house)
        house.agent.rewind_failures = 1
        assert isinstance(await rewind(house, "r1", "t2"), RewindFailed)
        assert written(house) == {"one", "two"}

        restore = Checkpoints.restore

        async def half(self: Checkpoints, now: Checkpoint, target: Checkpoint) -> object:
            await restore(self, now, target)
            monkeypatch.undo()
            raise NotRewound("not_rewound", "In part.")

        monkeypatch.setattr(Checkpoints, "restore", half)
        assert isinstance(await rewind(house, "r2", "t2"), RewindFailed)
        assert written(house) == {"one", "two"}
        assert house.agent.calls[-2:] == ["rewind t2", "rewind"]
        assert isinstance(await rewind(house, "r3", "t2"), SessionRewound)
        assert written(house) == {"one"}


async def test_a_runner_that_is_killed_on_the_way_does_it_when_it_is_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = asyncio.Event()

    async def stuck(_undone: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    async with house.serve():
        async with house.running():
            await two_turns(house)
            monkeypatch.setattr(house.agent, "rewind", stuck)
            await house.hub.command(RewindCommand(rewind_id="r1", undone=["t2"]))
            await reached.wait()
        assert answers(house) == []
        async with house.running():
            await house.hub.until(lambda: len(answers(house)) == 1, PATIENCE)
            assert written(house) == {"one"}
            await rewind(house, "r2")
            assert written(house) == {"one", "two"}


async def test_a_stop_while_the_checkpoint_is_taken(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = asyncio.Event()

    async def stuck(_self: Checkpoints) -> Checkpoint:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with house.serve(), house.running():
        await house.ready()
        monkeypatch.setattr(Checkpoints, "take", stuck)
        await house.hub.command(PromptCommand(turn_id="t1", text="write one", model="d/d"))
        await reached.wait()
        await house.hub.command(StopCommand(turn_id="t1"))
        await house.hub.until(lambda: bool(house.hub.of("turn_ended")), PATIENCE)
        ended = house.hub.of("turn_ended")[-1]
        assert isinstance(ended, TurnEnded)
        assert (ended.outcome, written(house)) == ("stopped", set())


async def test_a_copy_goes_back_to_the_first_turn_that_it_has(house: House) -> None:
    async with house.serve(), house.running():
        await two_turns(house)
        said = await rewind(house, "r1", "t2", "t3", fork=True)
        assert isinstance(said, SessionRewound)
        assert written(house) == {"one"}
        assert isinstance(await rewind(house, "r2", "t8", "t9", fork=True), SessionRewound)
        assert written(house) == {"one"}
        assert isinstance(await rewind(house, "r3"), RewindFailed)  # no way forward


def test_a_copied_spool_forgets_what_was_the_other_sessions(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    one = Spool(path, "one")
    one.append(RewindFailed())
    one.receive("c1", PromptCommand(turn_id="t", text="x", model="d/d"))
    for key in ("turn", "drive.wanted", "rewind.ahead", "agent.session", "checkpoint.t"):
        one.set(key, "{}")
    one.append(RewindFailed())
    one.ack(1)
    one.close()

    again = Spool(path, "one")
    assert (again.copied, again.id, len(again.pending(0))) == (False, one.id, 1)
    again.close()

    two = Spool(path, "two")
    assert two.copied
    assert two.id != one.id
    assert (two.acked, two.last, two.pending(0), two.waiting()) == (0, 0, [], [])
    kept = [k for k in ("turn", "drive.wanted", "rewind.ahead") if two.get(k) is not None]
    assert kept == []
    assert two.get("agent.session") == two.get("checkpoint.t") == "{}"
    assert two.append(RewindFailed()) == 1
    two.close()
    assert not Spool(path, "two").copied


@pytest.mark.parametrize("error", [WorkspaceUnreadable("x", "No."), ValueError("a bug")])
async def test_a_turn_begins_also_where_nothing_can_be_remembered(
    house: House, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def broken(_self: Checkpoints) -> Checkpoint:
        raise error

    async with house.serve(), house.running():
        await house.ready()
        with monkeypatch.context() as patch:
            patch.setattr(Checkpoints, "take", broken)
            assert (await house.turn("t1", "write one")).outcome == "done"
        notice = house.hub.of("notice")[-1]
        assert isinstance(notice, Notice)
        assert notice.code == "checkpoint_failed"
        assert isinstance(await rewind(house, "r1", "t1"), RewindFailed)
        assert written(house) == {"one"}
