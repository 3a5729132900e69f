"""Rows to begin with."""

from datetime import UTC, datetime
from typing import Any

from bunkhouse.store import Transaction, people, sessions

START = datetime(2026, 1, 1, tzinfo=UTC)


async def add_session(tx: Transaction, session_id: str = "s", **columns: Any) -> None:
    given: dict[str, Any] = {
        "title": "t",
        "state": "idle",
        "model": "demo/demo",
        "permissions": {},
        "author_id": "u",
        "author": "U",
        "created_at": START,
        "updated_at": START,
        "pending": {},
    }
    await sessions.add(tx, id=session_id, **{**given, **columns})


async def add_user(tx: Transaction, user_id: str = "u") -> None:
    await people.add_user(tx, people.User(user_id, "Ada", "admin", START))
