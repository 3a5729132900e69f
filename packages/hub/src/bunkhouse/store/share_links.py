"""Queries on share links: links that let others into one session. Secrets come in as hashes."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, func, insert, or_, select, update

from bunkhouse.store import tables as t
from bunkhouse.store.connections import Transaction
from bunkhouse.store.participants import SessionRole


@dataclass(frozen=True, slots=True)
class ShareLink:
    """A row of `share_links`; `uses_left` None: any number."""

    id: str
    session_id: str
    secret_hash: str
    role: SessionRole
    public: bool
    uses_left: int | None
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


class Good(NamedTuple):
    """A link that lets somebody in, with the session's title and the name of who made it."""

    link: ShareLink
    title: str
    by: str


async def add(tx: Transaction, link: ShareLink) -> None:
    """Add a link."""
    await tx.execute(insert(t.share_links).values(asdict(link)))


async def is_known(tx: Transaction, secret_hash: str) -> bool:
    """Say whether there was ever a link with this secret."""
    query = select(func.count()).where(t.share_links.c.secret_hash == secret_hash)
    return (await tx.execute(query)).scalar_one() > 0


async def good(
    tx: Transaction,
    now: datetime,
    *,
    secret_hash: str | None = None,
    session_id: str | None = None,
    ids: Collection[str] | None = None,
) -> list[Good]:
    """List those of this secret, session or these ids that let somebody in, newest first.

    Who made one has to be an owner of the session still: else it lets in nobody.
    """
    links, sessions, users, participants = t.share_links, t.sessions, t.users, t.participants
    query = (
        select(links, sessions.c.title, users.c.name)
        .join(sessions, sessions.c.id == links.c.session_id)
        .join(users, users.c.id == links.c.created_by)
        .join(
            participants,
            and_(
                participants.c.session_id == links.c.session_id,
                participants.c.user_id == links.c.created_by,
            ),
            isouter=True,
        )
        .where(links.c.revoked_at.is_(None), links.c.expires_at > now)
        .where(or_(links.c.uses_left.is_(None), links.c.uses_left > 0))
        .where(sessions.c.deleted_at.is_(None), users.c.deactivated_at.is_(None))
        .where(
            or_(
                users.c.role == "admin",
                sessions.c.author_id == users.c.id,
                participants.c.role == "owner",
            )
        )
        .order_by(links.c.created_at.desc(), links.c.id)
    )
    if secret_hash is not None:
        query = query.where(links.c.secret_hash == secret_hash)
    if session_id is not None:
        query = query.where(links.c.session_id == session_id)
    if ids is not None:
        query = query.where(links.c.id.in_(ids))
    return [Good(ShareLink(*row[:-2]), row[-2], row[-1]) for row in await tx.execute(query)]


async def use(tx: Transaction, link_id: str) -> bool:
    """Use a link once; False if there was nothing left of it."""
    links = t.share_links
    query = update(links).where(links.c.id == link_id, links.c.revoked_at.is_(None))
    query = query.where(or_(links.c.uses_left.is_(None), links.c.uses_left > 0))
    # Null minus one is null: any number stays any number.
    return (await tx.execute(query.values(uses_left=links.c.uses_left - 1))).rowcount == 1


async def revoke(tx: Transaction, session_id: str, link_id: str, now: datetime) -> bool:
    """Make a link worthless; False if the session has none that is not so already."""
    links = t.share_links
    query = update(links).where(
        links.c.id == link_id, links.c.session_id == session_id, links.c.revoked_at.is_(None)
    )
    return (await tx.execute(query.values(revoked_at=now))).rowcount == 1
