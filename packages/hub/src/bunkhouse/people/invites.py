"""Invites: links that let a number of people in, as what whoever made them says.

Of an invite's secret only its SHA-256 is stored, as of all others.
"""

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from bunkhouse.errors import BunkhouseError, Conflict, InvalidInput, NotFound
from bunkhouse.people.admission import Invitation, NotAdmitted, Rules, admit
from bunkhouse.people.identity import Person, Role, SignedIn
from bunkhouse.people.people import People
from bunkhouse.people.signin.accounts import Redeem
from bunkhouse.people.signin.configured import AppClient, configured
from bunkhouse.people.signin.profile import Profile
from bunkhouse.settings import Settings
from bunkhouse.store import Database, Transaction, identities
from bunkhouse.store import invites as rows
from bunkhouse.store import people as people_rows

LONGEST_NAME = 100
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_ANOTHER = "ask whoever invited you for another one"

_audit = structlog.get_logger("bunkhouse.audit")


class InviteOver(BunkhouseError):
    """An invite that lets in nobody any more."""

    code = "invite_over"
    status = 410


@dataclass(frozen=True, slots=True)
class Invite:
    """An invite as admins see it, and as whoever has its link does. Times are in UTC."""

    id: str
    role: Role
    email: str | None
    uses_left: int
    created_by: str
    """The name of who made it."""
    created_at: datetime
    expires_at: datetime


class Invites:
    """All invites of an installation.

    `days` is for how long one is good where nothing is said, `most_days` and `most_uses` what can
    be said at most. `vouching`: whether there is a provider that says who people are; where there
    is none, a name is enough. `clock` gives the time in UTC.
    """

    def __init__(
        self,
        database: Database,
        people: People,
        rules: Rules,
        *,
        vouching: bool,
        days: int = 7,
        most_days: int = 90,
        most_uses: int = 100,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._people = people
        self._rules = rules
        self.vouching = vouching
        self._days = days
        self._most_days = most_days
        self._most_uses = most_uses
        self._clock = clock

    @classmethod
    def of(
        cls, settings: Settings, database: Database, people: People, *, app: AppClient | None = None
    ) -> "Invites":
        """Make it as the settings say; `app`: the GitHub App that was set up from the page.

        Raises:
            InvalidInput: a setting does not fit the others.
        """
        return cls(
            database,
            people,
            Rules.of(settings),
            vouching=bool(configured(settings, app)),
            days=min(settings.invite_days, settings.invite_days_most),
            most_days=settings.invite_days_most,
            most_uses=settings.invite_uses_most,
        )

    # ── for admins ───────────────────────────────────────────────────────────────────────

    async def create(
        self,
        by: Person,
        *,
        role: Role = "member",
        email: str | None = None,
        uses: int = 1,
        days: int | None = None,
    ) -> tuple[Invite, str]:
        """Make an invite; the second of the pair is the secret, told only here.

        Raises:
            InvalidInput: too many uses or days, or none; or no e-mail address.
            Conflict: nobody would be let in by it: `sign_up_closed`; nobody vouches for addresses
                here: `nobody_vouches`; or whoever came by it would be the first admin:
                `no_admin_yet`.
        """
        days = self._days if days is None else days
        _within("uses", uses, self._most_uses, "BUNKHOUSE_INVITE_USES_MOST")
        _within("days", days, self._most_days, "BUNKHOUSE_INVITE_DAYS_MOST")
        if email is not None and not _ADDRESS.fullmatch(email):
            raise InvalidInput("This is no e-mail address.", remedy="Write it as name@domain.")
        if self._rules.sign_up == "closed":
            raise Conflict(
                "This installation takes no new people, so an invite would let in nobody.",
                remedy="Set BUNKHOUSE_SIGN_UP to `invited` first.",
                code="sign_up_closed",
            )
        if email is not None and not self.vouching:
            raise Conflict(
                "There is no provider here that could say whose an e-mail address is.",
                remedy="Make an invite without one, or set up a provider first.",
                code="nobody_vouches",
            )
        now = self._clock()
        secret = secrets.token_urlsafe(24)
        row = rows.Invite(
            id=secrets.token_hex(8),
            secret_hash=_digest(secret),
            role=role,
            email=email and email.lower(),
            uses_left=uses,
            created_by=by.id,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        async with self._database.write() as tx:
            if self.vouching and not await identities.anybody_signed_in_as(tx, "admin"):
                raise Conflict(
                    "Nobody has signed in as admin yet, and the first who does becomes that.",
                    remedy="Sign in yourself first; then invite others.",
                    code="no_admin_yet",
                )
            await rows.add(tx, row)
        _audit.info("invite made", invite=row.id, role=role, uses=uses, by=by.id)
        return _shown(row, by.name), secret

    async def listed(self) -> list[Invite]:
        """List those that still let somebody in, newest first."""
        async with self._database.read() as tx:
            found = await rows.good(tx, self._clock())
            return [_shown(each, await _name(tx, each.created_by)) for each in found]

    async def revoke(self, invite_id: str, by: Person) -> None:
        """Make an invite worthless. Who came by it stays.

        Raises:
            NotFound: there is none of this id that is not revoked.
        """
        async with self._database.write() as tx:
            if not await rows.revoke(tx, invite_id, self._clock()):
                raise NotFound(f"There is no invite {invite_id}.")
        _audit.info("invite revoked", invite=invite_id, by=by.id)

    # ── for who is invited ───────────────────────────────────────────────────────────────

    async def look(self, secret: str) -> Invite:
        """Say what an invite is for; nothing is used of it.

        Raises:
            NotFound: there is none with this secret (`invite_unknown`).
            InviteOver: it is good no more (`invite_revoked`, `invite_expired`, `invite_spent`).
        """
        async with self._database.read() as tx:
            row = await self._good(tx, secret)
            return _shown(row, await _name(tx, row.created_by))

    async def redeem(self, tx: Transaction, secret: str) -> Invitation | None:
        """Use an invite once, if it is good; undone where the transaction is."""
        row = await rows.use(tx, _digest(secret), self._clock())
        if row is None:
            return None
        _audit.info("invite used", invite=row.id, left=row.uses_left)
        return Invitation(row.role, row.email)

    def redeeming(self, secret: str) -> Redeem:
        """Give what redeems this invite for somebody whom a provider vouches for."""

        async def redeem(tx: Transaction, _profile: Profile) -> Invitation | None:
            return await self.redeem(tx, secret)

        return redeem

    async def join(self, secret: str, name: str) -> SignedIn:
        """Make a person of this name by an invite alone, and sign their browser in.

        Raises:
            InvalidInput: there is no name, or a too long one.
            NotAdmitted: the invite is for an e-mail address, or people are who a provider says
                that they are (`provider_needed`), or nobody new is let in.
            NotFound, InviteOver: as `look`.
        """
        name = " ".join(name.split())
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise InvalidInput(
                f"A name has between 1 and {LONGEST_NAME} characters.",
                remedy="Say what others here are to call you.",
            )
        if self.vouching:
            raise NotAdmitted(
                "Here one comes in with an account of another service.",
                remedy="Open the invitation again and choose one.",
                code="provider_needed",
            )
        async with self._database.write() as tx:
            await self._good(tx, secret)
            invitation = await self.redeem(tx, secret)
            if invitation is None:
                raise _spent()  # somebody else was faster
            role = admit(self._rules, None, invitation)
            user = people_rows.User(secrets.token_hex(8), name, role, self._clock())
            await people_rows.add_user(tx, user)
            signed_in = await self._people.open_browser(tx, user)
        _audit.info("joined by invite", person=user.id, role=role)
        return signed_in

    async def _good(self, tx: Transaction, secret: str) -> rows.Invite:
        row = await rows.by_secret(tx, _digest(secret))
        if row is None:
            raise NotFound(
                "There is no such invitation: the link is not whole, or is not from here.",
                remedy=f"Copy all of it, or {_ANOTHER}.",
                code="invite_unknown",
            )
        if row.revoked_at is not None:
            raise InviteOver(
                "This invitation was taken back.",
                remedy=f"{_ANOTHER.capitalize()}.",
                code="invite_revoked",
            )
        if row.uses_left < 1:
            raise _spent()
        if row.expires_at <= self._clock():
            raise InviteOver(
                "This invitation is too old.",
                remedy=f"{_ANOTHER.capitalize()}.",
                code="invite_expired",
            )
        return row


def _spent() -> InviteOver:
    return InviteOver(
        "This invitation was used already.",
        remedy=f"If it was by you, sign in as you did then. Else {_ANOTHER}.",
        code="invite_spent",
    )


def _within(what: str, number: int, most: int, variable: str) -> None:
    if not 1 <= number <= most:
        raise InvalidInput(
            f"An invite is for between 1 and {most:,} {what}.",
            remedy=f"An admin may raise {variable}.",
        )


async def _name(tx: Transaction, user_id: str) -> str:
    user = await people_rows.user(tx, user_id)
    return user.name if user else "Somebody"


def _shown(row: rows.Invite, by: str) -> Invite:
    return Invite(row.id, row.role, row.email, row.uses_left, by, row.created_at, row.expires_at)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
