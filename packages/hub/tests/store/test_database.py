"""Opening the database: migrations, transactions, and errors that people can act on."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text

from bunkhouse.errors import Conflict, InvalidInput, Unavailable
from bunkhouse.store import Database, Place, database, log, sessions
from bunkhouse.store.tables import events, metadata

from ..stores import Stores
from .rows import START, add_session


@asynccontextmanager
async def opened(place: Place) -> AsyncGenerator[Database]:
    store = await Database.open(place)
    try:
        yield store
    finally:
        await store.close()


async def test_migrations_make_what_the_tables_say(stores: Stores) -> None:
    with stores.empty() as place:
        async with opened(place):
            with database.at(place).alone() as connection:
                context = MigrationContext.configure(connection)
                assert compare_metadata(context, metadata) == []


async def test_several_processes_may_open_a_new_store_at_once(stores: Stores) -> None:
    with stores.empty() as place:
        found = await asyncio.gather(*(Database.open(place) for _ in range(4)))
        for each in found:
            await each.close()


async def test_a_block_that_raises_leaves_nothing(store_place: Place) -> None:
    async with opened(store_place) as store:
        with pytest.raises(RuntimeError):
            async with store.write() as tx:
                await add_session(tx)
                raise RuntimeError
        async with store.read() as tx:
            assert await sessions.get(tx, "s") is None


async def test_a_reader_sees_one_moment(store_place: Place) -> None:
    async with opened(store_place) as store:
        async with store.write() as tx:
            await add_session(tx)
        async with store.read() as tx:
            assert await sessions.get(tx, "s") is not None
            async with store.write() as other:
                await sessions.change(other, "s", title="changed meanwhile")
            row = await sessions.get(tx, "s")
            assert row is not None
            assert row.title == "t"


async def test_times_come_back_as_they_were_and_in_utc(store_place: Place) -> None:
    async with opened(store_place) as store:
        async with store.write() as tx:
            await add_session(tx)
        async with store.read() as tx:
            row = await sessions.get(tx, "s")
    assert row is not None
    assert row.created_at.isoformat() == START.isoformat() == "2026-01-01T00:00:00+00:00"


async def test_repositories_of_ones_sessions_by_when_they_were_used(store_place: Place) -> None:
    given = [("a", "u", 3), ("b", "u", 1), ("a", "u", 0), ("c", "u", 2), ("d", "v", 9)]
    async with opened(store_place) as store:
        async with store.write() as tx:
            for place, (repository, author_id, minutes) in enumerate(given):
                at = START + timedelta(minutes=minutes)
                columns = {"repository": repository, "author_id": author_id, "updated_at": at}
                await add_session(tx, f"s{place}", **columns)
            await add_session(tx, "none")
            await add_session(tx, "gone", repository="e", deleted_at=START)
        async with store.read() as tx:
            assert await sessions.repositories(tx, "u", limit=10) == ["a", "c", "b"]
            assert await sessions.repositories(tx, "u", limit=1) == ["a"]


async def test_text_with_nul_is_kept_but_for_the_nul(store_place: Place) -> None:
    said = {"type": "agent_message_chunk", "message_id": "m\0", "text": "a\0b"}
    async with opened(store_place) as store:
        async with store.write() as tx:
            await add_session(tx, activity="a\0b")
            await log.append(tx, "s", [log.Entry(1, 1, "agent_message_chunk", START, said)])
        async with store.read() as tx:
            row = await sessions.get(tx, "s")
            (entry,) = await log.read(tx, "s", after=0, limit=9, folded=False)
            # A server that is asked for a field of such JSON would fail.
            field = select(events.c.data["text"].as_string())
            assert (await tx.execute(field)).scalar_one() == "a\ufffdb"
    assert row is not None
    assert row.activity == "a\ufffdb"
    assert entry.data == {**said, "message_id": "m\ufffd", "text": "a\ufffdb"}


async def test_a_store_of_a_newer_version_is_left_alone(store_place: Place) -> None:
    async with opened(store_place):
        with database.at(store_place).alone() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Unavailable, match="newer version") as refused:
        await Database.open(store_place)
    assert refused.value.reason == "newer_schema"


async def test_a_folder_that_can_not_be_made_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable):
        await Database.open(tmp_path / "file" / "b.db")


async def test_a_file_that_is_held_by_another_program_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bunkhouse.store.sqlite._BUSY_SECONDS", 0.05)
    async with opened(tmp_path / "b.db") as store:
        other = sqlite3.connect(tmp_path / "b.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable) as refused:
            async with store.write() as tx:
                await add_session(tx)
        assert refused.value.reason == "store_busy"
        other.close()
        async with store.write() as tx:
            await add_session(tx)


async def test_a_writer_that_does_not_end_is_told_to_those_who_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bunkhouse.store.connections.BUSY_SECONDS", 0.05)
    async with opened(tmp_path / "b.db") as store, store.write():
        with pytest.raises(Unavailable) as refused:
            async with store.write():
                pass
    assert refused.value.reason == "store_busy"


@pytest.mark.parametrize("url", ["postgresql://[", "postgresql://h/d?secret_password"])
async def test_a_url_that_is_none_is_told_without_what_is_in_it(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await Database.open(url)
    assert "secret" not in str(refused.value)


async def test_one_hub_at_a_time(stores: Stores, store_place: Place) -> None:
    if stores.kind == "sqlite":
        return  # whoever has the data folder has the file: see the tests of `presence`
    async with opened(store_place) as one, opened(store_place) as two:
        async with one.claimed():
            with pytest.raises(Conflict) as refused:
                async with two.claimed():
                    pass
            assert refused.value.reason == "already_running"
        async with two.claimed():
            pass


async def test_who_is_cancelled_takes_nothing_along(stores: Stores) -> None:
    """Neither a connection nor a lock, at whatever moment and however often they are cancelled."""
    chance = random.Random(1)
    with stores.empty() as place:
        async with opened(place) as store:

            async def write() -> None:
                async with store.write() as tx:
                    await tx.execute(text("SELECT 1"))
                    await tx.execute(text("DELETE FROM sessions"))
                async with store.read() as tx:
                    await tx.execute(text("SELECT 1"))

            for _ in range(60):
                tasks = [asyncio.create_task(write()) for _ in range(20)]
                for _ in range(2):
                    for _ in range(chance.randrange(100)):
                        await asyncio.sleep(0)
                    for task in chance.sample(tasks, 12):
                        task.cancel()
                # Within less than one waits for a lock, or a connection.
                async with asyncio.timeout(20):
                    await asyncio.gather(*tasks, return_exceptions=True)
            async with asyncio.timeout(20):
                await write()
