"""Queries on browsers that are signed in: listing and ending them, and replacing their secrets."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, select, update

from bunkhouse.store import tables as t
from bunkhouse.store.connections import Transaction
from bunkhouse.store.people import BrowserSession


async def locked(tx: Transaction, session_id: str) -> BrowserSession | None:
    """Give a browser by id; nobody else changes it until the transaction ends."""
    query = select(t.browser_sessions).where(t.browser_sessions.c.id == session_id)
    row = (await tx.execute(query.with_for_update())).one_or_none()
    return None if row is None else BrowserSession(*row)


async def put(tx: Transaction, session: BrowserSession) -> None:
    """Write a browser that is there as it is now."""
    browsers = t.browser_sessions
    await tx.execute(update(browsers).where(browsers.c.id == session.id).values(asdict(session)))


async def of_person(tx: Transaction, user_id: str, now: datetime) -> list[BrowserSession]:
    """List a person's browsers that have not expired, those seen last first."""
    browsers = t.browser_sessions
    query = (
        select(browsers)
        .where(browsers.c.user_id == user_id, browsers.c.expires_at > now)
        .order_by(browsers.c.last_seen_at.desc().nulls_last(), browsers.c.created_at, browsers.c.id)
    )
    return [BrowserSession(*row) for row in await tx.execute(query)]


async def remove(tx: Transaction, user_id: str, session_id: str) -> bool:
    """Forget a browser of a person; False if they have no such one."""
    browsers = t.browser_sessions
    query = delete(browsers).where(browsers.c.user_id == user_id, browsers.c.id == session_id)
    return (await tx.execute(query)).rowcount == 1


async def remove_all(tx: Transaction, user_id: str, *, but: str | None = None) -> int:
    """Forget all browsers of a person, except the one of this id; say how many they were."""
    browsers = t.browser_sessions
    query = delete(browsers).where(browsers.c.user_id == user_id)
    if but is not None:
        query = query.where(browsers.c.id != but)
    return (await tx.execute(query)).rowcount


async def forget_expired(tx: Transaction, user_id: str, now: datetime) -> None:
    """Forget a person's browsers that have expired."""
    browsers = t.browser_sessions
    await tx.execute(
        delete(browsers).where(browsers.c.user_id == user_id, browsers.c.expires_at <= now)
    )
