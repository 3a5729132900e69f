"""Queries on invites. Secrets come in as hashes and are never seen here."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import insert, select, update

from bunkhouse.store import tables as t
from bunkhouse.store.connections import Transaction


@dataclass(frozen=True, slots=True)
class Invite:
    """A row of `invites`: lets `uses_left` people in. With `email` it is for that address alone."""

    id: str
    secret_hash: str
    role: Literal["admin", "member"]
    email: str | None
    uses_left: int
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


async def add(tx: Transaction, invite: Invite) -> None:
    """Add an invite."""
    await tx.execute(insert(t.invites).values(asdict(invite)))


async def by_secret(tx: Transaction, secret_hash: str) -> Invite | None:
    """Give an invite, whether it is good or not; nothing is used of it."""
    query = select(t.invites).where(t.invites.c.secret_hash == secret_hash)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else Invite(*row)


async def good(tx: Transaction, now: datetime) -> list[Invite]:
    """List those that still let somebody in, newest first."""
    invites = t.invites
    query = (
        select(invites)
        .where(invites.c.uses_left > 0, invites.c.revoked_at.is_(None))
        .where(invites.c.expires_at > now)
        .order_by(invites.c.created_at.desc(), invites.c.id)
    )
    return [Invite(*row) for row in await tx.execute(query)]


async def use(tx: Transaction, secret_hash: str, now: datetime) -> Invite | None:
    """Use an invite once and give it as it is then; None if it is good no more.

    One statement, so that of two who come at once for the last use only one gets it.
    """
    invites = t.invites
    query = (
        update(invites)
        .where(invites.c.secret_hash == secret_hash, invites.c.uses_left > 0)
        .where(invites.c.revoked_at.is_(None), invites.c.expires_at > now)
        .values(uses_left=invites.c.uses_left - 1)
        .returning(*invites.c)
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else Invite(*row)


async def revoke(tx: Transaction, invite_id: str, now: datetime) -> bool:
    """Make an invite worthless; False if there is none that is not so already."""
    invites = t.invites
    query = update(invites).where(invites.c.id == invite_id, invites.c.revoked_at.is_(None))
    return (await tx.execute(query.values(revoked_at=now))).rowcount == 1


async def revoke_those_of(tx: Transaction, user_id: str, now: datetime) -> None:
    """Make all invites worthless that a person made."""
    invites = t.invites
    query = update(invites).where(invites.c.created_by == user_id, invites.c.revoked_at.is_(None))
    await tx.execute(query.values(revoked_at=now))
