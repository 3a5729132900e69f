"""Queries on accounts of other services: whose they are, and attempts to sign in with them."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import delete, func, insert, select, update

from bunkhouse.store import tables as t
from bunkhouse.store.connections import Transaction
from bunkhouse.store.database import hold


@dataclass(frozen=True, slots=True)
class Identity:
    """A row of `identities`: an account of another service, with which a person signs in."""

    id: str
    user_id: str
    provider: str
    issuer: str
    subject: str
    login: str | None
    name: str | None
    email: str | None
    avatar_url: str | None
    created_at: datetime
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A row of `sign_in_attempts`: a browser that was sent to a provider."""

    secret_hash: str
    provider: str
    next_path: str
    link_to: str | None
    expires_at: datetime


# ── accounts ─────────────────────────────────────────────────────────────────────────────────


async def hold_accounts(tx: Transaction) -> None:
    """Have who else adds accounts wait until the transaction ends."""
    await hold(tx, "identities")


async def by_account(tx: Transaction, issuer: str, subject: str) -> Identity | None:
    """Give an account by who vouches for it and their id of it."""
    accounts = t.identities
    query = select(accounts).where(accounts.c.issuer == issuer, accounts.c.subject == subject)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else Identity(*row)


async def of_person(tx: Transaction, user_id: str, *, lock: bool = False) -> list[Identity]:
    """List a person's accounts, oldest first.

    `lock`: who else asks so waits until the transaction ends, so that two are not removed at once.
    """
    if lock:
        await hold(tx, f"identities of {user_id}")
    accounts = t.identities
    query = (
        select(accounts)
        .where(accounts.c.user_id == user_id)
        .order_by(accounts.c.created_at, accounts.c.id)
    )
    return [Identity(*row) for row in await tx.execute(query)]


async def add(tx: Transaction, identity: Identity) -> None:
    """Add an account."""
    await tx.execute(insert(t.identities).values(asdict(identity)))


async def renew(tx: Transaction, identity: Identity) -> None:
    """Write what its service says of an account now, and when it was used."""
    await tx.execute(
        update(t.identities).where(t.identities.c.id == identity.id).values(asdict(identity))
    )


async def remove(tx: Transaction, identity_id: str) -> None:
    """Forget an account."""
    await tx.execute(delete(t.identities).where(t.identities.c.id == identity_id))


# ── people ───────────────────────────────────────────────────────────────────────────────────


async def note_sign_in(tx: Transaction, user_id: str, now: datetime) -> None:
    """Note when a browser was signed in as a person for the first time."""
    users = t.users
    query = update(users).where(users.c.id == user_id, users.c.signed_in_at.is_(None))
    await tx.execute(query.values(signed_in_at=now))


async def anybody_signed_in_as(tx: Transaction, role: Literal["admin", "member"]) -> bool:
    """Say whether a browser has ever been signed in as a person of this role."""
    users = t.users
    query = select(func.count()).where(users.c.role == role, users.c.signed_in_at.is_not(None))
    return (await tx.execute(query)).scalar_one() > 0


async def take_over(tx: Transaction, user_id: str, name: str, now: datetime) -> bool:
    """Make a person whom no browser was ever signed in as somebody; False where one was."""
    users = t.users
    query = update(users).where(users.c.id == user_id, users.c.signed_in_at.is_(None))
    return (await tx.execute(query.values(name=name, signed_in_at=now))).rowcount == 1


# ── attempts ─────────────────────────────────────────────────────────────────────────────────


async def add_attempt(tx: Transaction, attempt: Attempt) -> None:
    """Add an attempt."""
    await tx.execute(insert(t.sign_in_attempts).values(asdict(attempt)))


async def take_attempt(tx: Transaction, secret_hash: str) -> Attempt | None:
    """Give an attempt, which is gone then: of two who come at once only one gets it."""
    attempts = t.sign_in_attempts
    query = (
        delete(attempts)
        .where(attempts.c.secret_hash == secret_hash)
        .returning(
            attempts.c.secret_hash,
            attempts.c.provider,
            attempts.c.next_path,
            attempts.c.link_to,
            attempts.c.expires_at,
        )
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else Attempt(*row)


async def forget_attempts(tx: Transaction, now: datetime) -> None:
    """Forget attempts that nobody came back from in time."""
    await tx.execute(delete(t.sign_in_attempts).where(t.sign_in_attempts.c.expires_at <= now))


async def attempts(tx: Transaction) -> int:
    """How many are under way."""
    return (await tx.execute(select(func.count()).select_from(t.sign_in_attempts))).scalar_one()
