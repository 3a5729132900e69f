"""Browsers that are signed in: what their cookies hold, where they are, and ending them.

A cookie is `SIGN_IN.SECRET`. The first part stays as long as the sign-in does; the second is
replaced while it is in use, so that a copy of a cookie is good for minutes beside the browser that
it was taken from. Of both only hashes are stored. What comes next is a keyed hash of what there is,
so requests that come at once are all told the same, and an answer that got lost is told again; the
old secret counts until the new one has come. One that comes back later is a copy: then nobody
knows which of the two is the person, and the sign-in is ended for both.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import structlog

from bunkhouse.bus import Bus
from bunkhouse.errors import NotFound, Unauthorized
from bunkhouse.people.user_agents import device
from bunkhouse.store import Database, Transaction, browsers, identities
from bunkhouse.store import people as rows

TOUCH_EVERY = timedelta(minutes=1)
"""Times of last use are this coarse, so that reading does not write at every request."""

_LONGEST_ADDRESS = 64
_audit = structlog.get_logger("bunkhouse.audit")

_State = Literal["current", "following", "replaced", "spent"]
"""What a secret is to its sign-in; `replaced`: a moment ago, by requests that were on their way."""


class SignInEnded(Unauthorized):
    """A cookie came back that had been replaced long ago: somebody has a copy of it."""

    code = "sign_in_copied"

    def __init__(self) -> None:
        super().__init__(
            "You were signed out: an old copy of this browser's cookie was used, so somebody else "
            "may have had it.",
            remedy="Sign in again, and look through where you are signed in.",
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a request came from: the `User-Agent`, and the address."""

    user_agent: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Recognised:
    """A browser that is signed in; `renewed`: what its cookie has to hold from now on, if new."""

    id: str
    user: rows.User
    expires_at: datetime
    renewed: str | None = None


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser as its person sees it in a list. Times are in UTC."""

    id: str
    device: str | None
    address: str | None
    created_at: datetime
    last_seen_at: datetime | None
    expires_at: datetime
    ended_at: datetime | None
    """Since when it is signed in no more, because an old copy of its cookie came back."""


class Browsers:
    """All browsers of an installation. `clock` gives the time in UTC.

    `days`: for how long a sign-in is good; `rotate_minutes`: how old a secret gets while it is
    used; `grace_seconds`: for how long one that was replaced is still taken.
    """

    def __init__(
        self,
        database: Database,
        *,
        days: int,
        rotate_minutes: float,
        grace_seconds: float,
        clock: Callable[[], datetime],
        bus: Bus | None,
    ) -> None:
        self._database = database
        self._lifetime = timedelta(days=days)
        self._grace = timedelta(seconds=grace_seconds)
        # Not again while the one before is taken: it would be forgotten, and look like a copy.
        self._rotate = max(timedelta(minutes=rotate_minutes), self._grace)
        self._clock = clock
        self._bus = bus

    async def open(self, tx: Transaction, user: rows.User) -> tuple[str, datetime]:
        """Sign a browser in: give what its cookie is to hold, and until when."""
        now = self._clock()
        expires_at = now + self._lifetime
        sign_in, secret = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        seed = secrets.token_hex(32)
        await browsers.forget_expired(tx, user.id, now)
        await rows.add_browser_session(
            tx,
            rows.BrowserSession(
                secrets.token_hex(8),
                user.id,
                _digest(sign_in),
                now,
                expires_at,
                secret_hash=_digest(secret),
                seed=seed,
                next_hash=_digest(_after(secret, seed)),
            ),
        )
        await identities.note_sign_in(tx, user.id, now)
        return f"{sign_in}.{secret}", expires_at

    async def recognise(
        self, cookie: str, seen: Seen | None = None, *, renew: bool = False
    ) -> Recognised | None:
        """Say which browser has this cookie; None: none that is signed in.

        `renew`: its cookie can be replaced with the answer, if it is time.

        Raises:
            SignInEnded: there are two of it.
        """
        sign_in, _, secret = cookie.partition(".")
        now = self._clock()
        async with self._database.read() as tx:
            found = await rows.browser_session(tx, _digest(sign_in), now)
        if found is None:
            return None
        user, session = found
        state = self._state(session, secret, now)
        if session.ended_at is not None or state in ("following", "spent"):
            session = await self._settled(session.id, secret, seen)
            if session is None:
                return None
            state = self._state(session, secret, now)
        renewed = None
        if renew and state == "current" and now - _since(session) >= self._rotate:
            following = await self._following(session, secret)
            renewed = following and f"{sign_in}.{following}"
        if session.last_seen_at is None or now - session.last_seen_at > TOUCH_EVERY:
            async with self._database.write() as tx:
                if seen is None:
                    await rows.touch_browser_session(tx, session.id, now)
                else:
                    address = seen.address and seen.address[:_LONGEST_ADDRESS]
                    await rows.touch_browser_session(
                        tx, session.id, now, device=device(seen.user_agent), address=address
                    )
        return Recognised(session.id, user, session.expires_at, renewed)

    async def forget(self, cookie: str) -> None:
        """Sign the browser out that has this cookie. Nothing happens if it is not known."""
        async with self._database.write() as tx:
            user_id = await rows.delete_browser_session(tx, _digest(cookie.partition(".")[0]))
        if user_id is not None:
            self._changed(user_id)

    # ── looking after them ───────────────────────────────────────────────────────────────

    async def of(self, user_id: str) -> list[Browser]:
        """List a person's browsers, those seen last first; also those that had to be ended."""
        async with self._database.read() as tx:
            found = await browsers.of_person(tx, user_id, self._clock())
        return [
            Browser(
                each.id,
                each.device,
                each.address,
                each.created_at,
                each.last_seen_at,
                each.expires_at,
                each.ended_at,
            )
            for each in found
        ]

    async def end(self, user_id: str, browser_id: str) -> None:
        """Sign one browser of a person out.

        Raises:
            NotFound: they have no such browser.
        """
        async with self._database.write() as tx:
            if not await browsers.remove(tx, user_id, browser_id):
                raise NotFound("You are signed in with no such browser.")
        _audit.info("browser_ended", person=user_id, browser=browser_id)
        self._changed(user_id)

    async def end_others(self, user_id: str, here: str | None) -> None:
        """Sign all browsers of a person out except the one of id `here`."""
        async with self._database.write() as tx:
            ended = await browsers.remove_all(tx, user_id, but=here)
        _audit.info("browsers_ended", person=user_id, ended=ended)
        self._changed(user_id)

    async def end_all(self, user_id: str, by: str) -> None:
        """Sign all browsers of a person out, as an admin of this id does.

        Raises:
            NotFound: there is nobody of this id.
        """
        async with self._database.write() as tx:
            if await rows.user(tx, user_id) is None:
                raise NotFound(f"There is no person {user_id}.")
            ended = await browsers.remove_all(tx, user_id)
        _audit.info("browsers_ended", person=user_id, ended=ended, by=by)
        self._changed(user_id)

    # ── secrets ──────────────────────────────────────────────────────────────────────────

    def _state(self, session: rows.BrowserSession, secret: str, now: datetime) -> _State:
        # A cookie of before there were two parts has no secret, until it is replaced.
        presented, current = _digest(secret), session.secret_hash or _digest("")
        if hmac.compare_digest(presented, current):
            return "current"
        if hmac.compare_digest(presented, session.next_hash or ""):
            return "following"
        before = hmac.compare_digest(presented, session.previous_hash or "")
        return "replaced" if before and now - _since(session) <= self._grace else "spent"

    async def _settled(
        self, session_id: str, secret: str, seen: Seen | None
    ) -> rows.BrowserSession | None:
        """Take a secret that came for the first time, or end what somebody has a copy of."""
        now = self._clock()
        async with self._database.write() as tx:
            session = await browsers.locked(tx, session_id)
            if session is None:
                return None
            state = self._state(session, secret, now)
            if session.ended_at is None and state == "following":
                seed = secrets.token_hex(32)
                session = replace(
                    session,
                    secret_hash=session.next_hash,
                    previous_hash=session.secret_hash or _digest(""),
                    # Known before it is told: a store that loses its last writes knows it, too.
                    next_hash=_digest(_after(secret, seed)),
                    seed=seed,
                    rotated_at=now,
                )
                await browsers.put(tx, session)
            newly_ended = session.ended_at is None and state == "spent"
            if newly_ended:
                session = replace(session, ended_at=now)
                await browsers.put(tx, session)
        if newly_ended:
            _audit.warning(
                "sign_in_copied",
                person=session.user_id,
                browser=session.id,
                address=seen.address if seen else None,
            )
            self._changed(session.user_id)
        if session.ended_at is not None:
            raise SignInEnded
        return session

    async def _following(self, session: rows.BrowserSession, secret: str) -> str | None:
        """Give the secret that comes after this one; the same whenever it is asked."""
        if session.next_hash is None or session.seed is None:  # of before there were any
            async with self._database.write() as tx:
                fresh = await browsers.locked(tx, session.id)
                if fresh is None or self._state(fresh, secret, self._clock()) != "current":
                    return None
                seed = fresh.seed or secrets.token_hex(32)
                session = replace(fresh, seed=seed, next_hash=_digest(_after(secret, seed)))
                await browsers.put(tx, session)
        return _after(secret, session.seed or "")

    def _changed(self, user_id: str) -> None:
        if self._bus is not None:
            self._bus.publish(user_id, "access")


def _since(session: rows.BrowserSession) -> datetime:
    return session.rotated_at or session.created_at


def _after(secret: str, seed: str) -> str:
    made = hmac.digest(seed.encode(), f"bunkhouse cookie {secret}".encode(), "sha256")
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
