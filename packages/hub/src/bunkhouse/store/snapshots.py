"""Queries over snapshots: the files of sandboxes, kept beyond their life."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, or_, select, update

from bunkhouse.store.connections import Transaction
from bunkhouse.store.tables import sandboxes, sessions, snapshots


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """A row of `snapshots`."""

    id: str
    session_id: str
    sandbox_id: str
    created_at: datetime
    bytes: int | None
    """With the snapshots that it stands on; None until it is made."""


async def add(
    tx: Transaction, *, snapshot_id: str, session_id: str, sandbox_id: str, at: datetime
) -> None:
    """A snapshot that is about to be made of a sandbox, to be kept for a session."""
    await tx.execute(
        insert(snapshots).values(
            id=snapshot_id, session_id=session_id, sandbox_id=sandbox_id, created_at=at
        )
    )


async def made(tx: Transaction, snapshot_id: str, size: int) -> bool:
    """It is there now; False where nobody wants it any more."""
    result = await tx.execute(
        update(snapshots).where(snapshots.c.id == snapshot_id).values(bytes=size)
    )
    return result.rowcount == 1


async def unmade(tx: Transaction, session_id: str, sandbox_id: str) -> str | None:
    """The one that is being made of this sandbox for this session."""
    query = select(snapshots.c.id).where(
        snapshots.c.session_id == session_id,
        snapshots.c.sandbox_id == sandbox_id,
        snapshots.c.bytes.is_(None),
    )
    return (await tx.execute(query)).scalar()


async def drop_unmade(tx: Transaction, session_id: str) -> None:
    """Those that are being made for this session are not wanted any more."""
    await tx.execute(
        delete(snapshots).where(snapshots.c.session_id == session_id, snapshots.c.bytes.is_(None))
    )


async def size(tx: Transaction, snapshot_id: str) -> int | None:
    """Bytes of one, with those that it stands on."""
    query = select(snapshots.c.bytes).where(snapshots.c.id == snapshot_id)
    return (await tx.execute(query)).scalar()


async def below(tx: Transaction, sandbox_id: str) -> int:
    """Bytes of the snapshots that a sandbox stands on."""
    query = (
        select(snapshots.c.bytes)
        .join(sandboxes, sandboxes.c.snapshot_id == snapshots.c.id)
        .where(sandboxes.c.id == sandbox_id)
    )
    return (await tx.execute(query)).scalar() or 0


async def every(tx: Transaction) -> list[SnapshotRow]:
    """All of them, made or not."""
    return [SnapshotRow(**row) for row in (await tx.execute(select(snapshots))).mappings()]


async def unwanted(tx: Transaction) -> list[str]:
    """Those that no session has or is about to have, and on which no sandbox stands."""
    wanted = or_(
        sessions.c.snapshot_id == snapshots.c.id,
        (sessions.c.id == snapshots.c.session_id) & snapshots.c.bytes.is_(None),
    )
    of_session = select(sessions.c.id).where(wanted, sessions.c.deleted_at.is_(None))
    of_sandbox = select(sandboxes.c.id).where(
        sandboxes.c.snapshot_id == snapshots.c.id, sandboxes.c.destroyed_at.is_(None)
    )
    query = select(snapshots.c.id).where(~of_session.exists(), ~of_sandbox.exists())
    return [row.id for row in await tx.execute(query)]


async def remove(tx: Transaction, snapshot_id: str) -> None:
    """It is gone."""
    await tx.execute(delete(snapshots).where(snapshots.c.id == snapshot_id))


async def of_session(tx: Transaction, session_id: str) -> bool:
    """Whether there is one that is kept for this session."""
    query = select(snapshots.c.id).where(snapshots.c.session_id == session_id).limit(1)
    return (await tx.execute(query)).first() is not None
