"""Sign-in links, browser sessions and API tokens.

Of every secret only its SHA-256 is stored: each is 24 or more random bytes, so a slow hash would
buy nothing. A secret is told once, when it is made.
"""

import hashlib
import secrets
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

from bunkhouse.bus import Bus
from bunkhouse.errors import NotFound, Unauthorized
from bunkhouse.people.identity import ApiToken, Person, Role, SignedIn
from bunkhouse.store import Database, Transaction, identities
from bunkhouse.store import people as rows

TOKEN_PREFIX = "bh_"  # noqa: S105 - how tokens begin, so that scanners for leaked ones know ours

_TOUCH_EVERY = timedelta(minutes=1)
"""Times of last use are this coarse, so that reading does not write at every request."""


def _now() -> datetime:
    return datetime.now(UTC)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _new_id() -> str:
    return secrets.token_hex(8)


class People:
    """Everybody of one installation.

    `clock` gives the time in UTC; `bus` hears of whom what they may do has changed.
    """

    def __init__(
        self,
        database: Database,
        *,
        cookie_days: int = 30,
        link_minutes: int = 24 * 60,
        clock: Callable[[], datetime] = _now,
        bus: Bus | None = None,
    ) -> None:
        self._database = database
        self._bus = bus
        self._cookie_lifetime = timedelta(days=cookie_days)
        self._link_lifetime = timedelta(minutes=link_minutes)
        self._clock = clock

    async def first_admin(self) -> Person:
        """Give the first admin, who comes into being with the installation."""
        async with self._database.read() as tx:
            admin = await rows.first_with_role(tx, "admin")
        if admin is not None:
            return _person(admin)
        async with self._database.write() as tx:
            # Asked again under the lock: two processes may get here at once.
            admin = await rows.first_with_role(tx, "admin", lock=True)
            if admin is None:
                admin = rows.User(_new_id(), "Admin", "admin", self._clock())
                await rows.add_user(tx, admin)
        return _person(admin)

    # ── links ────────────────────────────────────────────────────────────────────────────

    async def sign_in_link(self, role: Role = "admin") -> str:
        """Make a one-time link and give its secret, which belongs behind `/login/`.

        For `admin` it signs in the first admin; for other roles it makes a new person when used.
        """
        person = await self.first_admin() if role == "admin" else None
        secret = secrets.token_urlsafe(24)
        now = self._clock()
        link = rows.LoginLink(
            id=_new_id(),
            token_hash=_digest(secret),
            role=role,
            user_id=person.id if person else None,
            created_at=now,
            expires_at=now + self._link_lifetime,
        )
        async with self._database.write() as tx:
            await rows.add_link(tx, link)
        return secret

    async def use_link(self, secret: str) -> SignedIn:
        """Sign a browser in with a one-time link, which is then used up.

        Raises:
            Unauthorized: the link is unknown, was used before, or is too old.
        """
        now = self._clock()
        async with self._database.write() as tx:
            link = await rows.use_link(tx, _digest(secret), now)
            user = None
            if link is not None and link.user_id:
                user = await rows.active(tx, link.user_id)
            if link is None or (link.user_id and user is None):
                raise Unauthorized(
                    "This sign-in link is not valid: it was used before, or it is too old.",
                    remedy="Make a new one with `bunkhouse admin link` on the hub's machine.",
                    code="link_not_valid",
                )
            if user is None:
                user = rows.User(_new_id(), link.role.capitalize(), link.role, now)
                await rows.add_user(tx, user)
                await rows.link_signed_in(tx, link.id, user.id)
            return await self.open_browser(tx, user)

    # ── browsers ─────────────────────────────────────────────────────────────────────────

    async def open_browser(self, tx: Transaction, user: rows.User) -> SignedIn:
        """Sign a browser in as `user`, with a secret that nobody has had before."""
        now = self._clock()
        cookie = secrets.token_urlsafe(32)
        expires_at = now + self._cookie_lifetime
        browser = rows.BrowserSession(_new_id(), user.id, _digest(cookie), now, expires_at)
        await rows.add_browser_session(tx, browser)
        await identities.note_sign_in(tx, user.id, now)
        return SignedIn(_person(user), cookie, expires_at)

    async def by_cookie(self, secret: str) -> Person | None:
        """Say whose browser this is; None if it is not, or no longer, signed in."""
        now = self._clock()
        async with self._database.read() as tx:
            found = await rows.browser_session(tx, _digest(secret), now)
        if found is None:
            return None
        user, session = found
        if session.last_seen_at is None or now - session.last_seen_at > _TOUCH_EVERY:
            async with self._database.write() as tx:
                await rows.touch_browser_session(tx, session.id, now)
        return _person(user, f"browser:{session.id}")

    async def by_id(self, user_id: str) -> Person | None:
        """Give a person, if they may still sign in."""
        async with self._database.read() as tx:
            user = await rows.active(tx, user_id)
        return None if user is None else _person(user)

    async def by_sign_in(self, sign_in: str) -> Person | None:
        """Say who came by this browser or token; None if it is good no longer.

        `sign_in` is that of a `Person` whom `by_cookie` or `by_token` gave. It is no secret.
        """
        return (await self.by_sign_ins([sign_in])).get(sign_in)

    async def by_sign_ins(self, sign_ins: Collection[str]) -> dict[str, Person]:
        """Say the same of several; those that are good no longer are left out."""
        kinds: dict[str, list[str]] = {"browser": [], "token": []}
        for sign_in in sign_ins:
            kind, _, key = sign_in.partition(":")
            kinds.get(kind, []).append(key)
        async with self._database.read() as tx:
            browsers = await rows.by_browsers(tx, kinds["browser"], self._clock())
            tokens = await rows.by_tokens(tx, kinds["token"])
        found = {f"browser:{key}": user for key, user in browsers.items()}
        found |= {f"token:{key}": user for key, user in tokens.items()}
        return {sign_in: _person(user, sign_in) for sign_in, user in found.items()}

    async def sign_out(self, secret: str) -> None:
        """Forget this browser. Nothing happens if it is not known."""
        async with self._database.write() as tx:
            user_id = await rows.delete_browser_session(tx, _digest(secret))
        if user_id is not None:
            self._changed(user_id)

    # ── API tokens ───────────────────────────────────────────────────────────────────────

    async def by_token(self, secret: str) -> Person | None:
        """Say whose token this is; None if it is unknown or revoked."""
        if not secret.startswith(TOKEN_PREFIX):
            return None
        now = self._clock()
        async with self._database.read() as tx:
            found = await rows.token_by_hash(tx, _digest(secret))
        if found is None:
            return None
        user, token = found
        if token.last_used_at is None or now - token.last_used_at > _TOUCH_EVERY:
            async with self._database.write() as tx:
                await rows.touch_token(tx, token.id, now)
        return _person(user, f"token:{token.id}")

    async def create_token(self, person: Person, name: str) -> tuple[ApiToken, str]:
        """Make a token for `person`; the second of the pair is the secret, told only here."""
        secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
        token = rows.Token(_new_id(), person.id, name, _digest(secret), self._clock())
        async with self._database.write() as tx:
            await rows.add_token(tx, token)
        return _api_token(token), secret

    async def tokens(self, person: Person) -> list[ApiToken]:
        """List the tokens of `person` that are good, newest first."""
        async with self._database.read() as tx:
            return [_api_token(token) for token in await rows.tokens_of(tx, person.id)]

    async def revoke_token(self, person: Person, token_id: str) -> None:
        """Make a token of `person` worthless.

        Raises:
            NotFound: they have no such token.
        """
        async with self._database.write() as tx:
            if not await rows.revoke_token(tx, person.id, token_id, self._clock()):
                raise NotFound("You have no such token.")
        self._changed(person.id)

    def _changed(self, user_id: str) -> None:
        if self._bus is not None:
            self._bus.publish(user_id, "access")


def _person(user: rows.User, sign_in: str | None = None) -> Person:
    return Person(user.id, user.name, user.role, sign_in)


def _api_token(token: rows.Token) -> ApiToken:
    return ApiToken(token.id, token.name, token.created_at, token.last_used_at)
