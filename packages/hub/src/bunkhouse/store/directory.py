"""Queries on everybody of an installation: roles, and who may sign in."""

from datetime import datetime
from typing import Literal

from sqlalchemy import delete, func, select, update

from bunkhouse.store import invites
from bunkhouse.store import tables as t
from bunkhouse.store.connections import Transaction
from bunkhouse.store.database import hold
from bunkhouse.store.people import User


async def everybody(tx: Transaction) -> list[User]:
    """All people, by name."""
    query = select(t.users).order_by(func.lower(t.users.c.name), t.users.c.id)
    return [User(*row) for row in await tx.execute(query)]


async def admins_besides(tx: Transaction, user_id: str) -> int:
    """How many others are admins and may sign in.

    Who else asks so waits until the transaction ends, so that two don't go at once.
    """
    await hold(tx, "admins")
    query = select(func.count()).where(
        t.users.c.role == "admin", t.users.c.deactivated_at.is_(None), t.users.c.id != user_id
    )
    return (await tx.execute(query)).scalar_one()


async def set_role(tx: Transaction, user_id: str, role: Literal["admin", "member"]) -> None:
    """Give a person another role."""
    await tx.execute(update(t.users).where(t.users.c.id == user_id).values(role=role))


async def set_deactivated(tx: Transaction, user_id: str, at: datetime | None) -> None:
    """Note that a person may not sign in from now on; None: that they may again."""
    await tx.execute(update(t.users).where(t.users.c.id == user_id).values(deactivated_at=at))


async def sign_out_everywhere(tx: Transaction, user_id: str, now: datetime) -> None:
    """Forget a person's browsers and unused links, and revoke their tokens and invites."""
    browsers, links, tokens = t.browser_sessions, t.login_links, t.api_tokens
    await tx.execute(delete(browsers).where(browsers.c.user_id == user_id))
    await tx.execute(delete(links).where(links.c.user_id == user_id, links.c.used_at.is_(None)))
    await tx.execute(
        update(tokens)
        .where(tokens.c.user_id == user_id, tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    await invites.revoke_those_of(tx, user_id, now)
