"""Queries over what people prefer: a value of JSON for each name."""

from typing import Any

from sqlalchemy import delete, insert, select

from bunkhouse.store.connections import Transaction
from bunkhouse.store.tables import preferences, users


async def get(tx: Transaction, person_id: str, name: str, *, lock: bool = False) -> Any:
    """What this person prefers; None if they never said.

    `lock`: nobody else changes it until the transaction ends.
    """
    if lock:
        await _lock(tx, person_id)
    query = select(preferences.c.value).where(
        preferences.c.person_id == person_id, preferences.c.name == name
    )
    return (await tx.execute(query)).scalar_one_or_none()


async def put(tx: Transaction, person_id: str, name: str, value: Any) -> None:
    """Replace what this person prefers."""
    await _lock(tx, person_id)
    await tx.execute(
        delete(preferences).where(preferences.c.person_id == person_id, preferences.c.name == name)
    )
    await tx.execute(insert(preferences).values(person_id=person_id, name=name, value=value))


async def _lock(tx: Transaction, person_id: str) -> None:
    """There may be no row yet, so it is the person's that is locked."""
    query = select(users.c.id).where(users.c.id == person_id)
    await tx.execute(query.with_for_update(key_share=True))
