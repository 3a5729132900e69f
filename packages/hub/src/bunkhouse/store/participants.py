"""Queries on who takes part in sessions, and on what decides who may see them."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import delete, insert, select, update

from bunkhouse.store import encoding
from bunkhouse.store import tables as t
from bunkhouse.store.connections import Transaction
from bunkhouse.store.sessions import Visibility

SessionRole = Literal["owner", "driver", "commenter", "viewer"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Whose a session is, and who may be there."""

    session_id: str
    author_id: str
    visibility: Visibility
    roles: dict[str, SessionRole] = field(default_factory=dict[str, SessionRole])
    """Of its participants, by person; its author is none of them."""


@dataclass(frozen=True, slots=True)
class Participant:
    """A row of `participants`, with the person's name."""

    user_id: str
    name: str
    role: SessionRole
    added_by: str | None
    created_at: datetime


async def standings(
    tx: Transaction, ids: Collection[str], *, deleted: bool = False
) -> dict[str, Standing]:
    """How those of these sessions stand that are there.

    `deleted`: also those that were deleted and whose rows are still there.
    """
    sessions, participants = t.sessions, t.participants
    query = (
        select(
            sessions.c.id,
            sessions.c.author_id,
            sessions.c.visibility,
            participants.c.user_id,
            participants.c.role,
        )
        .join(participants, participants.c.session_id == sessions.c.id, isouter=True)
        # They come from addresses, which may have anything in them.
        .where(sessions.c.id.in_([encoding.text(each) for each in ids]))
    )
    if not deleted:
        query = query.where(sessions.c.deleted_at.is_(None))
    found: dict[str, Standing] = {}
    for session_id, author_id, visibility, user_id, role in await tx.execute(query):
        standing = found.setdefault(session_id, Standing(session_id, author_id, visibility))
        if user_id is not None:
            standing.roles[user_id] = role
    return found


async def of(tx: Transaction, session_id: str) -> list[Participant]:
    """Who takes part in a session and may sign in, in the order in which they came."""
    participants = t.participants
    query = (
        select(
            participants.c.user_id,
            t.users.c.name,
            participants.c.role,
            participants.c.added_by,
            participants.c.created_at,
        )
        .join(t.users, t.users.c.id == participants.c.user_id)
        .where(participants.c.session_id == session_id, t.users.c.deactivated_at.is_(None))
        .order_by(participants.c.created_at, participants.c.user_id)
    )
    return [Participant(*row) for row in await tx.execute(query)]


async def put(
    tx: Transaction,
    session_id: str,
    user_id: str,
    role: SessionRole,
    *,
    added_by: str,
    at: datetime,
) -> None:
    """Give a person a role in a session, in place of the one that they have."""
    participants = t.participants
    changed = await tx.execute(
        update(participants)
        .where(participants.c.session_id == session_id, participants.c.user_id == user_id)
        .values(role=role, added_by=added_by)
    )
    if changed.rowcount == 0:
        await tx.execute(
            insert(participants).values(
                session_id=session_id, user_id=user_id, role=role, added_by=added_by, created_at=at
            )
        )


async def remove(tx: Transaction, session_id: str, user_id: str) -> bool:
    """Let a person take part no longer; False if they did not."""
    participants = t.participants
    done = await tx.execute(
        delete(participants).where(
            participants.c.session_id == session_id, participants.c.user_id == user_id
        )
    )
    return done.rowcount == 1


async def set_visibility(tx: Transaction, session_id: str, visibility: Visibility) -> None:
    """Say who but its participants may see a session."""
    await tx.execute(
        update(t.sessions).where(t.sessions.c.id == session_id).values(visibility=visibility)
    )
