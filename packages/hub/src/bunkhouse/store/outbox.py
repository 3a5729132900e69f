"""Queries over the outbox: commands for runners that they have not confirmed yet."""

from typing import Any

from sqlalchemy import delete, insert, select

from bunkhouse.store.connections import Transaction
from bunkhouse.store.tables import outbox


async def add(tx: Transaction, session_id: str, command_id: str, command: dict[str, Any]) -> None:
    """Write a command down; it is sent when the transaction is through."""
    await tx.execute(insert(outbox).values(id=command_id, session_id=session_id, command=command))


async def waiting(
    tx: Transaction, session_id: str, *, after: int = 0
) -> list[tuple[int, str, dict[str, Any]]]:
    """(position, id, command) of what a runner has not confirmed, oldest first."""
    query = (
        select(outbox.c.position, outbox.c.id, outbox.c.command)
        .where(outbox.c.session_id == session_id, outbox.c.position > after)
        .order_by(outbox.c.position)
    )
    return [(row.position, row.id, row.command) for row in await tx.execute(query)]


async def remove(tx: Transaction, session_id: str, command_id: str) -> None:
    """The runner has it."""
    await tx.execute(
        delete(outbox).where(outbox.c.session_id == session_id, outbox.c.id == command_id)
    )


async def clear(tx: Transaction, session_id: str) -> None:
    """The runner that these were meant for is gone."""
    await tx.execute(delete(outbox).where(outbox.c.session_id == session_id))
