"""When the hub's disk is nearly full: new work waits and says so, and then goes on by itself."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from bunkhouse.sandboxes.fake import FakeProvider
from bunkhouse.sessions.sleepers import Sleepers
from bunkhouse.sessions.space import Space
from bunkhouse.sessions.views import NewSession
from bunkhouse.store import outbox
from bunkhouse_protocol.events import Event, Notice, PromptQueued, StateChanged, TurnStarted

from ..conftest import ADMIN, Room
from .hub import ends, honest, hub, in_state, until

NEARLY_FULL = 1 << 60
"""No disk has so much to spare."""


def held(log: list[Event]) -> bool:
    return any(isinstance(e, Notice) and e.code == "work_held" for e in log)


def test_the_reserve_is_a_setting(room: Room) -> None:
    space = Space(room.settings)
    room.settings.min_free_bytes = 0
    assert space.short() is None
    room.settings.min_free_bytes = NEARLY_FULL
    said = space.short()
    assert said is not None and f"{NEARLY_FULL >> 20} MiB" in said and said == space.short()


def test_the_engine_s_disk_has_the_same_reserve(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, engines = room.settings.data_dir, tmp_path / "engine"
    free = {ours: 2 << 30, engines: 2 << 30}

    def usage(folder: Path) -> SimpleNamespace:
        if folder not in free:
            raise FileNotFoundError(folder)
        return SimpleNamespace(free=free[folder])

    monkeypatch.setattr("bunkhouse.sessions.space.shutil.disk_usage", usage)
    room.settings.min_free_bytes = 1 << 30
    storage: list[Path | None] = [None]
    space = Space(room.settings, lambda: storage[0])
    assert space.short() is None
    storage[0] = engines
    assert space.short() is None
    free[engines] = 1 << 20
    assert str(engines) in (space.short() or "")
    del free[engines]
    assert space.short() is None
    free[ours] = 1 << 20
    assert "the hub's disk" in (space.short() or "")


async def test_prompts_wait_in_their_order_and_go_on(room: Room) -> None:
    async with hub(room, FakeProvider(honest)):
        session = (await room.sessions.create(NewSession(prompt="first"), ADMIN)).id
        await until(room, session, ends(1))
        room.settings.min_free_bytes = NEARLY_FULL
        second = await room.sessions.prompt(session, "second", ADMIN)
        third = await room.sessions.prompt(session, "third", ADMIN, when="now")
        assert "its reserve" in (second.notice or "")
        log = await until(room, session, held)
        assert not any(isinstance(e, TurnStarted) and e.turn_id == second.id for e in log)
        view = await room.sessions.get(session)
        assert (view.state, [each.id for each in view.queue]) == ("idle", [third.id, second.id])
        room.settings.min_free_bytes = 0
        log = await until(room, session, ends(3))
    started = [e.turn_id for e in log if isinstance(e, TurnStarted)]
    queued = [e.prompt_id for e in log if isinstance(e, PromptQueued)]
    assert started == [queued[0], third.id, second.id]
    # One word for each prompt that has to wait, however long it does.
    assert sum(isinstance(e, Notice) and e.code == "work_held" for e in log) == 2


async def test_a_turn_that_runs_is_not_stopped_for_one_that_can_not_begin(room: Room) -> None:
    async with hub(room, FakeProvider(honest)):
        session = (await room.sessions.create(NewSession(prompt="wait"), ADMIN)).id
        await until(room, session, lambda log: log[-1].type == "agent_message_chunk")
        room.settings.min_free_bytes = NEARLY_FULL
        now = await room.sessions.prompt(session, "now", ADMIN, when="now")
        await until(room, session, held)
        view = await room.sessions.get(session)
        assert (view.state, [each.id for each in view.queue]) == ("working", [now.id])
        assert await outbox_of(room, session) == []


async def outbox_of(room: Room, session: str) -> list[object]:
    async with room.database.read() as tx:
        return [command for _, _, command in await outbox.waiting(tx, session)]


async def test_new_sessions_and_wakes_wait_and_say_why(room: Room) -> None:
    async with hub(room, FakeProvider(honest)):
        asleep = (await room.sessions.create(NewSession(prompt="first"), ADMIN)).id
        await until(room, asleep, ends(1))
        await Sleepers(room.journal).hibernate(asleep, ADMIN)
        await until(room, asleep, in_state("hibernated"))
        room.settings.min_free_bytes = NEARLY_FULL
        new = (await room.sessions.create(NewSession(prompt="new"), ADMIN)).id
        await room.sessions.prompt(asleep, "wake up", ADMIN)
        for session, state in ((new, "queued"), (asleep, "restoring")):
            await until(
                room,
                session,
                lambda log, state=state: any(
                    isinstance(e, StateChanged)
                    and e.state == state
                    and "its reserve" in (e.reason or "")
                    for e in log
                ),
            )
        room.settings.min_free_bytes = 0
        await until(room, new, ends(1))
        await until(room, asleep, ends(2))
