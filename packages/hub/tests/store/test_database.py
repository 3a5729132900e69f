"""Opening the database: migrations, transactions, and errors that people can act on."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from bunkhouse.errors import Unavailable
from bunkhouse.store import Database, sessions
from bunkhouse.store.tables import metadata


async def test_migrations_make_what_the_tables_say(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "b.db")
    await database.close()
    engine = create_engine(f"sqlite:///{tmp_path / 'b.db'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
    engine.dispose()


async def test_two_processes_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    opened = await asyncio.gather(*(Database.open(tmp_path / "b.db") for _ in range(4)))
    for database in opened:
        await database.close()


async def test_a_block_that_raises_leaves_nothing(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "b.db")
    now = datetime.now(UTC)
    with pytest.raises(RuntimeError):
        async with database.write() as tx:
            await sessions.add(
                tx,
                id="s",
                title="t",
                state="idle",
                model="m",
                permissions={},
                author_id="u",
                author="U",
                created_at=now,
                updated_at=now,
                pending={},
            )
            raise RuntimeError
    async with database.read() as tx:
        assert await sessions.get(tx, "s") is None
    await database.close()


async def test_a_folder_that_can_not_be_made_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable):
        await Database.open(tmp_path / "file" / "b.db")
