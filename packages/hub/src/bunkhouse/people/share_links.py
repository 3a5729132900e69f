"""Share links: whoever is signed in and opens one takes part in its session; public ones show it.

Of a link's secret only its SHA-256 is stored, as of all others. A link is as good as who made it:
whoever is no owner of the session any more, or may not sign in, has let in nobody else.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from bunkhouse.bus import Bus
from bunkhouse.errors import BunkhouseError, Forbidden, InvalidInput, NotFound, TooMany
from bunkhouse.people.identity import Person, SessionRole
from bunkhouse.people.permissions import SESSION_ROLES, missing, role_in
from bunkhouse.settings import Settings
from bunkhouse.store import Database, Transaction, participants, sessions
from bunkhouse.store import share_links as rows

_ANOTHER = "Ask whoever gave it to you for another one."

_audit = structlog.get_logger("bunkhouse.audit")


class LinkOver(BunkhouseError):
    """A share link that lets in nobody any more."""

    code = "share_link_over"
    status = 410


@dataclass(frozen=True, slots=True)
class ShareLink:
    """A link that is good, as owners of the session see it. Times are in UTC."""

    id: str
    role: SessionRole
    public: bool
    """Whoever has it sees the transcript, signed in or not."""
    uses_left: int | None
    """None: any number of people may use it."""
    created_by: str
    """The name of who made it."""
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Offer:
    """What a link lets whoever has it do."""

    session_id: str
    title: str
    link: ShareLink
    made_by: str
    """The id of who made it."""


class ShareLinks:
    """All share links of an installation.

    `days` is for how long one is good where nothing is said, `most_days` and `most_uses` what can
    be said at most, `most` how many of one session are good at once. `public`: whether there may
    be public ones. `clock` gives the time in UTC.
    """

    def __init__(
        self,
        database: Database,
        bus: Bus,
        *,
        days: int = 7,
        most_days: int = 90,
        most_uses: int = 100,
        most: int = 50,
        public: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._bus = bus
        self._days = min(days, most_days)
        self._most_days = most_days
        self._most_uses = most_uses
        self._most = most
        self.public_allowed = public
        self._clock = clock

    @classmethod
    def of(cls, settings: Settings, database: Database, bus: Bus) -> "ShareLinks":
        """Make it as the settings say."""
        return cls(
            database,
            bus,
            days=settings.share_days,
            most_days=settings.share_days_most,
            most_uses=settings.share_uses_most,
            most=settings.share_links,
            public=settings.public_links,
        )

    # ── for owners ───────────────────────────────────────────────────────────────────────

    async def create(
        self,
        session_id: str,
        by: Person,
        *,
        role: SessionRole = "viewer",
        public: bool = False,
        uses: int | None = None,
        days: int | None = None,
    ) -> tuple[ShareLink, str]:
        """Make a link; the second of the pair is the secret, told only here.

        Raises:
            NotFound: there is no such session.
            InvalidInput: too many uses or days, or none; a public one for more than to look, or
                for a number of people.
            Forbidden: there are no public ones here (`public_links_off`).
            TooMany: the session has as many as it may.
        """
        days = self._days if days is None else days
        if not 1 <= days <= self._most_days:
            raise InvalidInput(
                f"A share link is good for between 1 and {self._most_days:,} days.",
                remedy="An admin may raise BUNKHOUSE_SHARE_DAYS_MOST.",
            )
        if uses is not None and not 1 <= uses <= self._most_uses:
            raise InvalidInput(
                f"A share link is for between 1 and {self._most_uses:,} people, or for any number.",
                remedy="An admin may raise BUNKHOUSE_SHARE_USES_MOST.",
            )
        if role == "owner":
            raise InvalidInput(
                "A link makes nobody an owner.", remedy="Add owners by name, one by one."
            )
        if public:
            if not self.public_allowed:
                raise _no_public()
            if role != "viewer" or uses is not None:
                raise InvalidInput(
                    "Whoever has a public link may look, and nobody counts them.",
                    remedy="Leave out `uses`, and say `viewer` or nothing.",
                )
        now = self._clock()
        secret = secrets.token_urlsafe(24)
        row = rows.ShareLink(
            id=secrets.token_hex(8),
            session_id=session_id,
            secret_hash=_digest(secret),
            role=role,
            public=public,
            uses_left=uses,
            created_by=by.id,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        async with self._database.write() as tx:
            if await sessions.get(tx, session_id, lock=True) is None:
                raise missing(session_id)
            if len(await rows.good(tx, now, session_id=session_id)) >= self._most:
                raise TooMany(
                    f"This session has {self._most:,} share links already.",
                    remedy="Revoke one. An admin may raise BUNKHOUSE_SHARE_LINKS.",
                )
            await rows.add(tx, row)
        _audit.info(
            "share_link_made", session=session_id, link=row.id, role=role, public=public, by=by.id
        )
        return _shown(row, by.name), secret

    async def of_session(self, session_id: str) -> list[ShareLink]:
        """List those of a session that let somebody in, newest first."""
        async with self._database.read() as tx:
            found = await rows.good(tx, self._clock(), session_id=session_id)
        return [_shown(each.link, each.by) for each in found if self._counts(each.link)]

    async def revoke(self, session_id: str, link_id: str, by: Person) -> None:
        """Make a link worthless. Who takes part by it stays; who looks by a public one does not.

        Raises:
            NotFound: the session has none of this id that is not revoked.
        """
        async with self._database.write() as tx:
            if not await rows.revoke(tx, session_id, link_id, self._clock()):
                raise NotFound("This session has no such share link.")
        _audit.info("share_link_revoked", session=session_id, link=link_id, by=by.id)
        self._bus.publish(session_id, "access")

    # ── for who has one ──────────────────────────────────────────────────────────────────

    async def look(self, secret: str) -> Offer:
        """Say what a link is for; nothing is used of it.

        Raises:
            NotFound: there is none with this secret (`share_link_unknown`).
            LinkOver: it lets in nobody any more.
            Forbidden: it is public, and there are no public ones here (`public_links_off`).
        """
        async with self._database.read() as tx:
            return await self._offer(tx, secret)

    async def use(self, secret: str, person: Person) -> str:
        """Let somebody take part by a link, and give the session's id.

        Who has the role already, or a higher one, keeps it, and nothing is used.

        Raises:
            NotFound, LinkOver, Forbidden: as `look`.
            InvalidInput: the link is a public one, by which nobody takes part.
        """
        now = self._clock()
        async with self._database.write() as tx:
            session_id = (await self._offer(tx, secret)).session_id
            await sessions.get(tx, session_id, lock=True)
            # Under the lock: somebody else may have had the last use of it meanwhile.
            offer = await self._offer(tx, secret)
            link = offer.link
            if link.public:
                raise InvalidInput("This link shows a session; nobody takes part by it.")
            standing = (await participants.standings(tx, [session_id])).get(session_id)
            held = None if standing is None else role_in(person, standing)
            if held is not None and SESSION_ROLES.index(held) <= SESSION_ROLES.index(link.role):
                return session_id
            if not await rows.use(tx, link.id):
                raise _over()
            await participants.put(
                tx, session_id, person.id, link.role, added_by=offer.made_by, at=now
            )
        _audit.info(
            "share_link_used", session=session_id, link=link.id, person=person.id, role=link.role
        )
        self._bus.publish(session_id, "access")
        self._bus.publish(session_id)  # lists show the session to them now
        return session_id

    async def shown_by(self, person: Person) -> ShareLink | None:
        """Give the public link by which somebody looks; None: they came otherwise."""
        kind, _, key = (person.sign_in or "").partition(":")
        if kind != "public":
            return None
        async with self._database.read() as tx:
            found = await rows.good(tx, self._clock(), ids=[key])
        return _shown(found[0].link, found[0].by) if found else None

    async def _offer(self, tx: Transaction, secret: str) -> Offer:
        found = await rows.good(tx, self._clock(), secret_hash=_digest(secret))
        if not found:
            if await rows.is_known(tx, _digest(secret)):
                raise _over()
            raise NotFound(
                "There is no such share link: it is not whole, or is not from here.",
                remedy=f"Copy all of it. {_ANOTHER}",
                code="share_link_unknown",
            )
        link, title, by = found[0]
        if not self._counts(link):
            raise _no_public()
        return Offer(link.session_id, title, _shown(link, by), link.created_by)

    def _counts(self, link: rows.ShareLink) -> bool:
        return self.public_allowed or not link.public


def _over() -> LinkOver:
    return LinkOver(
        "This share link is not good any more: it was revoked, used up, or is too old.",
        remedy=_ANOTHER,
    )


def _no_public() -> Forbidden:
    return Forbidden(
        "There are no public links here.",
        remedy="Whoever is to see the session has to sign in. An admin may set "
        "BUNKHOUSE_PUBLIC_LINKS.",
        code="public_links_off",
    )


def _shown(row: rows.ShareLink, by: str) -> ShareLink:
    return ShareLink(
        row.id, row.role, row.public, row.uses_left, by, row.created_at, row.expires_at
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
