"""What is deleted, by people and as retention is set, and that nothing of it is left."""

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta

import pytest
import structlog.testing

from bunkhouse.errors import NotFound
from bunkhouse.sandboxes.fake import FakeProvider
from bunkhouse.sessions import deleting
from bunkhouse.sessions.attaching import Attaching
from bunkhouse.sessions.deleting import Retention
from bunkhouse.sessions.sleepers import Sleepers
from bunkhouse.sessions.views import NewSession
from bunkhouse.store import Transaction, sessions
from bunkhouse_protocol.events import Event, Stage

from ..conftest import ADMIN, Room
from .hub import ends, honest, hub, until


def retention(room: Room) -> Retention:
    attaching = Attaching.of(room.settings)
    return Retention(room.journal, room.settings, blobs=attaching.blobs, uploads=attaching.uploads)


async def ended(room: Room, days: float) -> str:
    """A session that ended so many days ago."""
    view = await room.sessions.create(NewSession(prompt="old"), ADMIN)
    await Sleepers(room.journal).end(view.id, ADMIN)
    async with room.journal.change(view.id) as change:
        change.row.state_at = datetime.now(UTC) - timedelta(days=days)
    return view.id


def put_away(log: list[Event]) -> bool:
    return any(isinstance(e, Stage) and (e.name, e.status) == ("snapshot", "done") for e in log)


def names(room: Room, folder: str) -> list[str]:
    return sorted(entry.name for entry in os.scandir(room.settings.data_dir / folder))


async def there(room: Room, session_id: str) -> bool:
    try:
        await room.sessions.get(session_id)
    except NotFound:
        return False
    return True


async def gone(room: Room, session_id: str) -> None:
    """Wait until not a row of it is left."""
    async with asyncio.timeout(20):
        with room.bus.subscribe(topic="state") as subscription:
            while True:
                async with room.database.read() as tx:
                    if not await sessions.known(tx, [session_id]):
                        return
                await subscription.wait()


async def test_never_is_the_default(room: Room) -> None:
    assert room.settings.retention_days == 0
    old = await ended(room, 10_000)
    await retention(room).round()
    assert await there(room, old)


async def test_sessions_that_ended_long_enough_ago_are_deleted(room: Room) -> None:
    room.settings.retention_days = 30
    old, young = await ended(room, 31), await ended(room, 29)
    running = (await room.sessions.create(NewSession(prompt="runs"), ADMIN)).id
    async with room.journal.change(running) as change:
        change.row.state_at = datetime.now(UTC) - timedelta(days=100)
    with structlog.testing.capture_logs() as logs:
        await retention(room).round()
    assert [await there(room, each) for each in (old, young, running)] == [False, True, True]
    (entry,) = [each for each in logs if each["event"] == "session_deleted"]
    assert (entry["session"], entry["by"]) == (old, "retention")


async def test_a_round_is_bounded_and_the_next_goes_on(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.settings.retention_days = 1
    monkeypatch.setattr(deleting, "AT_ONCE", 2)
    old = [await ended(room, days) for days in (2, 4, 3)]
    await retention(room).round()
    assert [await there(room, each) for each in old] == [True, False, False]
    await retention(room).round()
    assert not await there(room, old[0])


async def test_one_that_was_brought_back_meanwhile_stays(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.settings.retention_days = 1
    old = await ended(room, 2)
    found = sessions.ended_before

    async def and_then(tx: Transaction, at: datetime, *, limit: int) -> list[str]:
        due = await found(tx, at, limit=limit)
        async with room.journal.change(old) as change:
            change.row.state_at = datetime.now(UTC)
        return due

    monkeypatch.setattr(sessions, "ended_before", and_then)
    await retention(room).round()
    assert await there(room, old)


async def test_a_session_that_works_is_ended_and_leaves_nothing(room: Room) -> None:
    provider = FakeProvider(honest)
    blobs = Attaching.of(room.settings).blobs
    async with hub(room, provider):
        view = await room.sessions.create(NewSession(prompt="go"), ADMIN)
        await until(room, view.id, ends(1))
        await room.sessions.prompt(view.id, "wait", ADMIN)
        await until(room, view.id, lambda log: log[-1].type == "agent_message_chunk")
        await blobs.add(view.id, b"a file")
        with structlog.testing.capture_logs() as logs:
            await room.sessions.delete(view.id, ADMIN)
        await gone(room, view.id)
    (entry,) = [each for each in logs if each["event"] == "session_deleted"]
    assert (entry["session"], entry["by"], entry["was"]) == (view.id, ADMIN.id, "working")
    assert not provider.sandboxes
    assert names(room, "blobs") == []


async def test_retention_takes_the_snapshot_too(room: Room) -> None:
    room.settings.retention_days = 1
    provider = FakeProvider(honest)
    async with hub(room, provider):
        view = await room.sessions.create(NewSession(prompt="go"), ADMIN)
        await until(room, view.id, ends(1))
        await Sleepers(room.journal).end(view.id, ADMIN)
        await until(room, view.id, put_away)
        assert len(await provider.snapshots()) == 1
        async with room.journal.change(view.id) as change:
            change.row.state_at = datetime.now(UTC) - timedelta(days=2)
        await retention(room).round()
        await gone(room, view.id)
    assert await provider.snapshots() == [] and not provider.sandboxes


async def test_blobs_of_no_session_and_old_uploads_are_swept(room: Room) -> None:
    attaching = Attaching.of(room.settings)
    mine = (await room.sessions.create(NewSession(), ADMIN)).id
    for session in (mine, "nobodys"):
        await attaching.blobs.add(session, b"x")
    old = await attaching.uploads.add(ADMIN.id, "old.txt", b"old")
    new = await attaching.uploads.add(ADMIN.id, "new.txt", b"new")
    long_ago = time.time() - 48 * 3600
    folder = room.settings.data_dir
    for place in (
        folder / "blobs" / mine,
        folder / "blobs/nobodys",
        folder / "uploads" / ADMIN.id / old.id,
        folder / "uploads" / ADMIN.id / f"{old.id}.json",
    ):
        os.utime(place, (long_ago, long_ago))
    await retention(room).round()
    assert names(room, "blobs") == [mine]
    assert names(room, f"uploads/{ADMIN.id}") == [new.id, f"{new.id}.json"]
