"""Installations that exist are migrated, with what they hold."""

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from bunkhouse.store import Database, database, preferences, prompts, sessions

_MIGRATIONS = Path(database.__file__).parent / "migrations"
_AT = "2026-01-02 03:04:05.000000"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store as the first release left it, with a session and a prompt that waits."""
    path = tmp_path / "b.db"
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for table, row in (
            ("users", {"id": "u", "name": "Ada", "role": "admin", "created_at": _AT}),
            (
                "sessions",
                {
                    "id": "s", "title": "t", "state": "idle", "model": "m", "permissions": "{}",
                    "author_id": "u", "author": "Ada", "created_at": _AT, "updated_at": _AT,
                    "pending": "{}", "last_seq": 3, "additions": 0, "deletions": 0,
                    "changed_files": 0, "spool_acked": 0,
                },
            ),
            (
                "prompts",
                {
                    "id": "p", "session_id": "s", "position": 1, "text": "go", "author_id": "u",
                    "author": "Ada", "state": "queued", "created_at": _AT,
                },
            ),
        ):  # fmt: skip
            names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), row)
        connection.commit()
    engine.dispose()
    return path


async def test_what_was_there_stays_and_the_new_is_empty(old: Path) -> None:
    opened = await Database.open(old)
    async with opened.read() as tx:
        row = await sessions.get(tx, "s")
        assert row is not None
        assert (row.last_seq, row.driver, row.services, row.ports) == (3, None, None, None)
        (prompt,) = await prompts.in_state(tx, ["s"], "queued")
        assert (prompt.text, prompt.kind, prompt.attachments) == ("go", "prompt", [])
        assert await preferences.get(tx, "u", "editor") is None
    async with opened.write() as tx:
        for value in ({"a": 1}, {"b": 2}):
            await preferences.put(tx, "u", "editor", value)
        common: dict[str, Any] = {
            "text": "",
            "author_id": "u",
            "author": "Ada",
            "created_at": prompt.created_at,
        }
        await prompts.add(tx, session_id="s", id="last", **common)
        await prompts.add(tx, session_id="s", id="first", first=True, kind="hand_back", **common)
        await prompts.add(tx, session_id="s", id="before", first=True, **common)
    async with opened.read() as tx:
        assert await preferences.get(tx, "u", "editor") == {"b": 2}
        waiting = await prompts.in_state(tx, ["s"], "queued")
        assert [each.id for each in waiting] == ["before", "first", "p", "last"]
    await opened.close()
