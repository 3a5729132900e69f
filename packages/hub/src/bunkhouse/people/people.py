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
from bunkhouse.people.browsers import TOUCH_EVERY, Browsers, Recognised, SignInEnded
from bunkhouse.people.identity import SCOPES, ApiToken, Person, Role, Scope, SignedIn
from bunkhouse.people.tokens import FOR_EVER, TokenRules, passed_on
from bunkhouse.store import Database, Transaction, share_links
from bunkhouse.store import people as rows

TOKEN_PREFIX = "bh_"  # noqa: S105 - how tokens begin, so that scanners for leaked ones know ours


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
        rotate_minutes: float = 15,
        grace_seconds: float = 60,
        public_links: bool = False,
        clock: Callable[[], datetime] = _now,
        bus: Bus | None = None,
    ) -> None:
        self._database = database
        self._bus = bus
        self.browsers = Browsers(
            database,
            days=cookie_days,
            rotate_minutes=rotate_minutes,
            grace_seconds=grace_seconds,
            clock=clock,
            bus=bus,
        )
        self._link_lifetime = timedelta(minutes=link_minutes)
        self._clock = clock
        self._public_links = public_links

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
        cookie, expires_at = await self.browsers.open(tx, user)
        return SignedIn(_person(user), cookie, expires_at)

    async def by_cookie(self, secret: str) -> Person | None:
        """Say whose browser this is; None if it is not, or no longer, signed in."""
        try:
            found = await self.browsers.recognise(secret)
        except SignInEnded:
            return None
        return found and by_browser(found)

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
        kinds: dict[str, list[str]] = {"browser": [], "token": [], "public": []}
        for sign_in in sign_ins:
            kind, _, key = sign_in.partition(":")
            kinds.get(kind, []).append(key)
        async with self._database.read() as tx:
            browsers = await rows.by_browsers(tx, kinds["browser"], self._clock())
            tokens = await rows.by_tokens(tx, kinds["token"], self._clock())
            links = (
                await share_links.good(tx, self._clock(), ids=kinds["public"])
                if kinds["public"] and self._public_links
                else []
            )
        found = {
            sign_in: _person(user, sign_in)
            for sign_in, user in ((f"browser:{key}", user) for key, user in browsers.items())
        }
        for key, (user, scopes) in tokens.items():
            found[f"token:{key}"] = _person(user, f"token:{key}", scopes)
        for each in links:
            if each.link.public:
                found[f"public:{each.link.id}"] = _public(each.link)
        return found

    async def by_public_link(self, secret: str) -> Person | None:
        """Say who has a public link of this secret: nobody in particular; None: it is not good."""
        if not self._public_links:
            return None
        async with self._database.read() as tx:
            found = await share_links.good(tx, self._clock(), secret_hash=_digest(secret))
        return _public(found[0].link) if found and found[0].link.public else None

    async def sign_out(self, secret: str) -> None:
        """Forget this browser. Nothing happens if it is not known."""
        await self.browsers.forget(secret)

    # ── API tokens ───────────────────────────────────────────────────────────────────────

    async def by_token(self, secret: str) -> Person | None:
        """Say whose token this is; None if it is unknown, revoked or too old."""
        if not secret.startswith(TOKEN_PREFIX):
            return None
        now = self._clock()
        async with self._database.read() as tx:
            found = await rows.token_by_hash(tx, _digest(secret), now)
        if found is None:
            return None
        user, token = found
        if token.last_used_at is None or now - token.last_used_at > TOUCH_EVERY:
            async with self._database.write() as tx:
                await rows.touch_token(tx, token.id, now)
        return _person(user, f"token:{token.id}", token.scopes)

    async def create_token(
        self,
        person: Person,
        name: str,
        *,
        scopes: Collection[Scope] = SCOPES,
        rules: TokenRules = FOR_EVER,
        days: int | None = None,
        never: bool = False,
    ) -> tuple[ApiToken, str]:
        """Make a token for `person`; the second of the pair is the secret, told only here.

        One that is made with a token may no more than that one, and is good for no longer.

        Raises:
            InvalidInput: it is for nothing, or for longer than `rules` allow.
            ScopeNeeded: the token by which they came may not as much.
        """
        secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
        now = self._clock()
        wanted = passed_on(person, scopes)
        never = never or (rules is FOR_EVER and days is None)
        expires_at = rules.expiry(now, days, never=never)
        async with self._database.write() as tx:
            kind, _, key = (person.sign_in or "").partition(":")
            if kind == "token":
                expires_at = _earlier(expires_at, await rows.token_expires(tx, key))
            token = rows.Token(
                _new_id(),
                person.id,
                name,
                _digest(secret),
                now,
                scopes=list(wanted),
                expires_at=expires_at,
            )
            await rows.add_token(tx, token)
        return _api_token(token), secret

    async def tokens(self, person: Person) -> list[ApiToken]:
        """List the tokens of `person` that are good, newest first."""
        async with self._database.read() as tx:
            found = await rows.tokens_of(tx, person.id, self._clock())
        return [_api_token(token) for token in found]

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


def by_browser(found: Recognised) -> Person:
    """Say who came by a browser."""
    return _person(found.user, f"browser:{found.id}")


def _person(
    user: rows.User, sign_in: str | None = None, scopes: Collection[str] | None = None
) -> Person:
    known: frozenset[Scope] | None = None
    if scopes is not None:
        known = frozenset[Scope](each for each in SCOPES if each in scopes)
    return Person(user.id, user.name, user.role, sign_in, known)


def _public(link: share_links.ShareLink) -> Person:
    sign_in = f"public:{link.id}"
    return Person(sign_in, "Public", "public", sign_in, shown=link.session_id)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((each for each in (one, other) if each is not None), default=None)


def _api_token(token: rows.Token) -> ApiToken:
    scopes: tuple[Scope, ...] = tuple(each for each in SCOPES if each in token.scopes)
    return ApiToken(
        token.id, token.name, token.created_at, token.last_used_at, scopes, token.expires_at
    )
