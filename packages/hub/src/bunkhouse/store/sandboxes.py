"""Queries over sandboxes and their tokens."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from bunkhouse.store.connections import Transaction
from bunkhouse.store.tables import sandboxes


@dataclass(frozen=True, slots=True)
class SandboxRow:
    """A row of `sandboxes`."""

    id: str
    session_id: str
    token_hash: str
    created_at: datetime
    destroyed_at: datetime | None
    snapshot_id: str | None


async def add(
    tx: Transaction,
    *,
    sandbox_id: str,
    session_id: str,
    token_hash: str,
    at: datetime,
    snapshot_id: str | None = None,
) -> None:
    """A sandbox that is about to be made, perhaps of a snapshot."""
    await tx.execute(
        insert(sandboxes).values(
            id=sandbox_id,
            session_id=session_id,
            token_hash=token_hash,
            created_at=at,
            snapshot_id=snapshot_id,
        )
    )


async def by_token(tx: Transaction, token_hash: str) -> SandboxRow | None:
    """The living sandbox whose token this is."""
    query = select(sandboxes).where(
        sandboxes.c.token_hash == token_hash, sandboxes.c.destroyed_at.is_(None)
    )
    found = (await tx.execute(query)).mappings().first()
    return None if found is None else SandboxRow(**found)


async def living(tx: Transaction) -> list[SandboxRow]:
    """All that are not destroyed."""
    query = select(sandboxes).where(sandboxes.c.destroyed_at.is_(None))
    return [SandboxRow(**row) for row in (await tx.execute(query)).mappings()]


async def destroyed(tx: Transaction, sandbox_id: str, at: datetime) -> None:
    """It is gone; its token is void."""
    await tx.execute(update(sandboxes).where(sandboxes.c.id == sandbox_id).values(destroyed_at=at))


async def change_token(tx: Transaction, sandbox_id: str, token_hash: str) -> None:
    """A sandbox gets a new token (the one before it is void)."""
    await tx.execute(
        update(sandboxes).where(sandboxes.c.id == sandbox_id).values(token_hash=token_hash)
    )


def hash_token(token: str) -> str:
    """What of a token is kept. Tokens are random and long, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
