"""Queries on people, their browsers, tokens and sign-in links.

Functions take a transaction; secrets come in as hashes and are never seen here.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, delete, insert, or_, select, update

from bunkhouse.store import tables as t
from bunkhouse.store.connections import Transaction
from bunkhouse.store.database import hold


@dataclass(frozen=True, slots=True)
class User:
    """A row of `users`."""

    id: str
    name: str
    role: Literal["admin", "member"]
    created_at: datetime
    deactivated_at: datetime | None = None
    signed_in_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A row of `browser_sessions`: a browser that is signed in until `expires_at`."""

    id: str
    user_id: str
    token_hash: str
    created_at: datetime
    expires_at: datetime
    last_seen_at: datetime | None = None
    secret_hash: str | None = None
    seed: str | None = None
    next_hash: str | None = None
    previous_hash: str | None = None
    rotated_at: datetime | None = None
    device: str | None = None
    address: str | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A row of `api_tokens`."""

    id: str
    user_id: str
    name: str
    token_hash: str
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    scopes: list[str] = field(default_factory=list[str])
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LoginLink:
    """A row of `login_links`. Without `user_id` it makes a new person of `role` when used."""

    id: str
    token_hash: str
    role: Literal["admin", "member"]
    user_id: str | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


# ── users ────────────────────────────────────────────────────────────────────────────────────


async def add_user(tx: Transaction, user: User) -> None:
    """Add a person."""
    await tx.execute(insert(t.users).values(asdict(user)))


async def user(tx: Transaction, user_id: str, *, lock: bool = False) -> User | None:
    """Give a person by id. `lock`: nobody else changes them until the transaction ends."""
    query = select(t.users).where(t.users.c.id == user_id)
    row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    return None if row is None else User(*row)


async def active(tx: Transaction, user_id: str) -> User | None:
    """Give a person by id, if they may sign in."""
    found = await user(tx, user_id)
    return None if found is None or found.deactivated_at is not None else found


async def first_with_role(tx: Transaction, role: str, *, lock: bool = False) -> User | None:
    """Give the person who has had this role for longest, of those who may sign in.

    `lock`: who else asks so waits until the transaction ends, in which there may come to be one.
    """
    if lock:
        await hold(tx, f"first {role}")
    query = (
        select(t.users)
        .where(t.users.c.role == role, t.users.c.deactivated_at.is_(None))
        .order_by(t.users.c.created_at, t.users.c.id)
        .limit(1)
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else User(*row)


# ── links ────────────────────────────────────────────────────────────────────────────────────


async def add_link(tx: Transaction, link: LoginLink) -> None:
    """Add a one-time link."""
    await tx.execute(insert(t.login_links).values(asdict(link)))


async def use_link(tx: Transaction, token_hash: str, now: datetime) -> LoginLink | None:
    """Use a link up and give it; None if it is unknown, used or expired.

    One statement, so that of two who come at once only one gets it.
    """
    links = t.login_links
    query = (
        update(links)
        .where(links.c.token_hash == token_hash, links.c.used_at.is_(None))
        .where(links.c.expires_at > now)
        .values(used_at=now)
        .returning(
            links.c.id,
            links.c.token_hash,
            links.c.role,
            links.c.user_id,
            links.c.created_at,
            links.c.expires_at,
            links.c.used_at,
        )
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else LoginLink(*row)


async def link_signed_in(tx: Transaction, link_id: str, user_id: str) -> None:
    """Note whom a link signed in."""
    await tx.execute(
        update(t.login_links).where(t.login_links.c.id == link_id).values(user_id=user_id)
    )


# ── browsers ─────────────────────────────────────────────────────────────────────────────────


async def add_browser_session(tx: Transaction, session: BrowserSession) -> None:
    """Add a browser that has signed in."""
    await tx.execute(insert(t.browser_sessions).values(asdict(session)))


async def browser_session(
    tx: Transaction, token_hash: str, now: datetime
) -> tuple[User, BrowserSession] | None:
    """Give a browser that has not expired, and its person; also one that had to be ended."""
    found = (
        await tx.execute(
            select(t.browser_sessions).where(
                t.browser_sessions.c.token_hash == token_hash,
                t.browser_sessions.c.expires_at > now,
            )
        )
    ).one_or_none()
    if found is None:
        return None
    session = BrowserSession(*found)
    owner = await active(tx, session.user_id)
    return None if owner is None else (owner, session)


async def by_browsers(tx: Transaction, ids: Collection[str], now: datetime) -> dict[str, User]:
    """Who is signed in with these browsers, by the browser's id."""
    browsers = t.browser_sessions
    query = (
        select(browsers.c.id, t.users)
        .join(t.users, t.users.c.id == browsers.c.user_id)
        .where(browsers.c.id.in_(ids), browsers.c.expires_at > now)
        .where(browsers.c.ended_at.is_(None))
        .where(t.users.c.deactivated_at.is_(None))
    )
    return {row[0]: User(*row[1:]) for row in await tx.execute(query)}


async def touch_browser_session(
    tx: Transaction, session_id: str, now: datetime, **seen: str | None
) -> None:
    """Note that a browser was here; `device` and `address`: which, and where, where it is known."""
    sessions = t.browser_sessions
    query = update(sessions).where(sessions.c.id == session_id)
    await tx.execute(query.values(last_seen_at=now, **seen))


async def delete_browser_session(tx: Transaction, token_hash: str) -> str | None:
    """Forget a browser, and give whose it was; None if it was not known, or had to be ended."""
    sessions = t.browser_sessions
    query = delete(sessions).where(sessions.c.token_hash == token_hash)
    query = query.where(sessions.c.ended_at.is_(None))
    return (await tx.execute(query.returning(sessions.c.user_id))).scalar_one_or_none()


# ── API tokens ───────────────────────────────────────────────────────────────────────────────


async def add_token(tx: Transaction, token: Token) -> None:
    """Add a token."""
    await tx.execute(insert(t.api_tokens).values(asdict(token)))


async def token_by_hash(
    tx: Transaction, token_hash: str, now: datetime
) -> tuple[User, Token] | None:
    """Give a token that is neither revoked nor too old, and its person."""
    query = select(t.api_tokens).where(t.api_tokens.c.token_hash == token_hash, *_good(now))
    found = (await tx.execute(query)).one_or_none()
    if found is None:
        return None
    token = Token(*found)
    owner = await active(tx, token.user_id)
    return None if owner is None else (owner, token)


async def token_expires(tx: Transaction, token_id: str) -> datetime | None:
    """When a token expires; None: not by itself."""
    query = select(t.api_tokens.c.expires_at).where(t.api_tokens.c.id == token_id)
    return (await tx.execute(query)).scalar_one_or_none()


async def by_tokens(
    tx: Transaction, ids: Collection[str], now: datetime
) -> dict[str, tuple[User, list[str]]]:
    """Whose these tokens are and their scopes, as far as they are good, by the token's id."""
    tokens = t.api_tokens
    query = (
        select(tokens.c.id, tokens.c.scopes, t.users)
        .join(t.users, t.users.c.id == tokens.c.user_id)
        .where(tokens.c.id.in_(ids), *_good(now), t.users.c.deactivated_at.is_(None))
    )
    return {row[0]: (User(*row[2:]), row[1]) for row in await tx.execute(query)}


async def tokens_of(tx: Transaction, user_id: str, now: datetime) -> list[Token]:
    """List a person's tokens that are neither revoked nor too old, newest first."""
    query = (
        select(t.api_tokens)
        .where(t.api_tokens.c.user_id == user_id, *_good(now))
        .order_by(t.api_tokens.c.created_at.desc(), t.api_tokens.c.id)
    )
    return [Token(*row) for row in await tx.execute(query)]


async def touch_token(tx: Transaction, token_id: str, now: datetime) -> None:
    """Note that a token was used."""
    await tx.execute(
        update(t.api_tokens).where(t.api_tokens.c.id == token_id).values(last_used_at=now)
    )


async def revoke_token(tx: Transaction, user_id: str, token_id: str, now: datetime) -> bool:
    """Revoke a person's token; False if they have no such token."""
    tokens = t.api_tokens
    done = await tx.execute(
        update(tokens)
        .where(tokens.c.id == token_id, tokens.c.user_id == user_id)
        .where(tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return done.rowcount == 1


def _good(now: datetime) -> list[ColumnElement[bool]]:
    expires_at = t.api_tokens.c.expires_at
    return [t.api_tokens.c.revoked_at.is_(None), or_(expires_at.is_(None), expires_at > now)]
