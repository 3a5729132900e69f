import asyncio
import os
import random
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bunkhouse_protocol.events import Notice
from bunkhouse_protocol.link import CLOSE_UNAUTHORIZED, Dial, Ready, StopCommand
from bunkhouse_runner import link as link_module
from bunkhouse_runner.errors import Unauthorized
from bunkhouse_runner.hub import Hub
from bunkhouse_runner.link import Link
from bunkhouse_runner.outbox import Outbox
from bunkhouse_runner.spool import Spool

from .fake_hub import TOKEN, FakeHub, listening

EMITTER = Path(__file__).with_name("emitter.py")


class Runner:
    """A link with a spool, and what came over it."""

    def __init__(self, folder: Path) -> None:
        self.spool = Spool(folder / "spool.db")
        self.outbox = Outbox(self.spool)
        self.commands: asyncio.Queue[str] = asyncio.Queue()
        self.dialled: asyncio.Queue[Dial] = asyncio.Queue()
        self.ready: Ready | None = None
        self.link = Link(
            Hub(token=TOKEN, socket=folder / "hub.sock"),
            self.spool,
            on_welcome=lambda spec: None,
            on_command=self._command,
            on_dial=self.dialled.put_nowait,
            ready=lambda: self.ready,
        )
        self.outbox.written = self.link.wake

    def _command(self) -> None:
        for waiting in self.spool.waiting():
            self.spool.take(waiting.id)
            self.commands.put_nowait(waiting.id)

    def say(self, text: str) -> None:
        self.outbox.emit(Notice(code="test", message=text))


@asynccontextmanager
async def linked(folder: Path) -> AsyncGenerator[Runner]:
    runner = Runner(folder)
    task = asyncio.create_task(runner.link.run())
    try:
        yield runner
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        runner.spool.close()


def said(hub: FakeHub) -> list[str]:
    return [event.message for event in hub.stored.events if isinstance(event, Notice)]


async def test_events_arrive_in_order_and_leave_the_spool(room: Path) -> None:
    hub = FakeHub()
    async with listening(hub, room / "hub.sock"), linked(room) as runner:
        for text in "abc":
            runner.say(text)
        await hub.until(lambda: said(hub) == ["a", "b", "c"])
        runner.say("d")
        await hub.until(lambda: said(hub)[-1] == "d")
    assert hub.complaints == []


async def test_what_happens_while_the_hub_is_away_arrives_later(room: Path) -> None:
    hub = FakeHub()
    async with linked(room) as runner:
        for number in range(1000):
            runner.say(str(number))
        async with listening(hub, room / "hub.sock"):
            await hub.until(lambda: len(said(hub)) == 1000)
    assert said(hub) == [str(number) for number in range(1000)]
    assert hub.complaints == []


async def test_a_hub_that_was_set_back_is_told_where_the_spool_begins(room: Path) -> None:
    hub = FakeHub()
    async with linked(room) as runner:
        async with listening(hub, room / "hub.sock"):
            for number in range(5):
                runner.say(str(number))
            await hub.until(lambda: len(hub.stored.events) == 5)
            await hub.dial("after the last acknowledgement")
            await runner.dialled.get()
        hub.stored.acked = 2  # its store was restored to an earlier time
        runner.say("after")
        async with listening(hub, room / "hub.sock"):
            await hub.until(lambda: len(hub.stored.events) == 6)
    assert hub.complaints == []
    assert hub.stored.acked == 6


async def test_ready_comes_after_the_events_before_it_and_at_each_connection(room: Path) -> None:
    hub = FakeHub()
    async with linked(room) as runner:
        runner.say("before")
        runner.ready = Ready(ok=True)
        runner.link.announce()
        async with listening(hub, room / "hub.sock") as process:
            await hub.until(lambda: len(hub.ready) == 1)
            assert [type(item) for item in hub.heard] == [Notice, Ready]
            process.drop()
            await hub.until(lambda: len(hub.ready) == 2)
            runner.say("between")
            runner.link.announce()
            await hub.until(lambda: len(hub.ready) == 3)
    assert [type(item) for item in hub.heard] == [Notice, Ready, Ready, Notice, Ready]


async def test_a_command_that_comes_twice_is_done_once(room: Path) -> None:
    hub = FakeHub()
    async with listening(hub, room / "hub.sock"), linked(room) as runner:
        runner.say("here")
        await hub.until(lambda: said(hub) == ["here"])
        stop = StopCommand(turn_id="t")
        await hub.command(stop, "once")
        assert await runner.commands.get() == "once"
        await hub.until(lambda: not hub.stored.outbox)
        await hub.command(stop, "once")
        await hub.until(lambda: not hub.stored.outbox)
        await hub.command(stop, "other")
        assert await runner.commands.get() == "other"


async def test_commands_that_waited_for_the_connection_come_in_order(room: Path) -> None:
    hub = FakeHub()
    for number in range(50):
        await hub.command(StopCommand(turn_id="t"), f"c{number}")
    async with listening(hub, room / "hub.sock"), linked(room) as runner:
        assert [await runner.commands.get() for _ in range(50)] == [f"c{n}" for n in range(50)]
        await hub.until(lambda: not hub.stored.outbox)


async def test_a_hub_that_comes_back_is_found_within_half_a_second(room: Path) -> None:
    hub = FakeHub()
    async with linked(room) as runner:
        async with listening(hub, room / "hub.sock"):
            runner.say("first")
            await hub.until(lambda: said(hub) == ["first"])
        async with listening(hub, room / "hub.sock"):
            began = asyncio.get_running_loop().time()
            await hub.until(lambda: hub.connections == 2)
            assert asyncio.get_running_loop().time() - began < 0.5


async def test_it_stops_when_the_token_is_no_longer_valid(room: Path) -> None:
    hub = FakeHub()
    runner = Runner(room)
    async with listening(hub, room / "hub.sock") as process:
        process.refuse_with = CLOSE_UNAUTHORIZED
        with pytest.raises(Unauthorized):
            await asyncio.wait_for(runner.link.run(), 60)
    assert hub.connections == 1


async def test_a_dial_is_handed_on(room: Path) -> None:
    hub = FakeHub()
    async with listening(hub, room / "hub.sock"), linked(room) as runner:
        runner.say("here")
        await hub.until(lambda: said(hub) == ["here"])
        await hub.dial("stream")
        assert await runner.dialled.get() == Dial(stream_id="stream")


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_is_lost_or_twice_when_connections_break_anywhere(
    room: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "LONGEST_DELAY_SOCKET", 0.05)
    hub = FakeHub()
    hub.random.seed(seed)
    hub.store_chance = 0.97
    async with listening(hub, room / "hub.sock"), linked(room) as runner:
        for number in range(300):
            runner.say(str(number))
            if number % 60 == 0:
                await hub.command(StopCommand(turn_id="t"), f"c{number}")
            await asyncio.sleep(0)
        await hub.until(lambda: len(said(hub)) >= 300, seconds=60)
        hub.store_chance = 1.0
        await hub.until(lambda: not hub.stored.outbox)
        done = [runner.commands.get_nowait() for _ in range(runner.commands.qsize())]
    assert said(hub) == [str(number) for number in range(300)]
    assert done == [f"c{number}" for number in range(0, 300, 60)]
    assert hub.complaints == []


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_is_lost_or_twice_when_the_runner_is_killed_anywhere(
    room: Path, seed: int
) -> None:
    hub = FakeHub()
    hub.random.seed(seed)
    hub.store_chance = 0.998
    chance = random.Random(seed)
    wanted = 1000
    numbers = [str(number) for number in range(1, wanted + 1)]
    async with listening(hub, room / "hub.sock"):
        for killed in range(5):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(EMITTER),
                str(room),
                str(wanted),
                env={**os.environ, "TOKEN": TOKEN},
            )
            seen = len(said(hub))
            for extra in range(3):
                await hub.command(StopCommand(turn_id=f"t{killed}.{extra}"))
            try:
                goal = min(wanted, seen + chance.randint(1, 300))
                if killed == 4:
                    goal = wanted
                await hub.until(lambda goal=goal: len(said(hub)) >= goal, seconds=60)
                if killed == 4:
                    await hub.until(lambda: not hub.stored.outbox)
            finally:
                process.kill()
                await process.wait()
    assert said(hub) == numbers
    assert hub.complaints == []
    done = (room / "done").read_text().split()
    assert len(done) == len(set(done))
