"""An attempt to sign in: from sending a browser to a provider until it comes back.

A browser gets one random secret in a cookie, and everything that proves the attempt is made of it:
the state, the nonce and the PKCE verifier. So the state fits the browser that began and no other,
and the store holds nothing with which somebody who reads it could go on.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from bunkhouse.errors import TooMany
from bunkhouse.people.signin.refusals import AttemptSpent, NotBegun, OtherProvider, StateMismatch
from bunkhouse.store import Database
from bunkhouse.store import identities as rows

_NO_PAGES = ("//", "/api/", "/sign-in/", "/login/", "/invite/", "/share/", "/setup/")
_LONGEST_PATH = 2048


@dataclass(frozen=True)
class Proof:
    """What is made of a browser's secret; each is 43 characters of base64url."""

    secret: str

    def __repr__(self) -> str:
        return "Proof(…)"

    @property
    def state(self) -> str:
        """What the provider gives back with the browser."""
        return self._made("state")

    @property
    def nonce(self) -> str:
        """What the id_token must hold."""
        return self._made("nonce")

    @property
    def verifier(self) -> str:
        """PKCE's: told when the code is turned in, and announced as its hash."""
        return self._made("verifier")

    def _made(self, what: str) -> str:
        made = hmac.digest(self.secret.encode(), f"bunkhouse sign-in {what}".encode(), "sha256")
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that came back. `link_to`: the person whose further account it is to be."""

    proof: Proof
    next_path: str
    link_to: str | None


class Attempts:
    """Those that are under way. `clock` gives the time in UTC."""

    def __init__(
        self,
        database: Database,
        *,
        minutes: float,
        limit: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._lifetime = timedelta(minutes=minutes)
        self._limit = limit
        self._clock = clock

    async def begin(self, proof: Proof, provider: str, next_path: str, link_to: str | None) -> None:
        """Write down that a browser was sent to a provider.

        Raises:
            TooMany: too many are under way.
        """
        now = self._clock()
        attempt = rows.Attempt(
            _hash(proof.secret), provider, own_path(next_path), link_to, now + self._lifetime
        )
        async with self._database.write() as tx:
            await rows.forget_attempts(tx, now)
            if await rows.attempts(tx) >= self._limit:
                raise TooMany(
                    f"{self._limit:,} people are about to sign in, and more are not let in at "
                    "once.",
                    remedy="Try again in some minutes. An admin may raise "
                    "BUNKHOUSE_SIGN_IN_ATTEMPTS.",
                )
            await rows.add_attempt(tx, attempt)

    async def take(self, secret: str | None, provider: str, state: str | None) -> Attempt:
        """Use up the attempt of a browser that came back.

        Raises:
            NotBegun, StateMismatch, AttemptSpent, OtherProvider: it is none that may go on.
        """
        if not secret:
            raise NotBegun
        proof = Proof(secret)
        if not hmac.compare_digest((state or "").encode(), proof.state.encode()):
            raise StateMismatch
        async with self._database.write() as tx:
            found = await rows.take_attempt(tx, _hash(secret))
        if found is None or found.expires_at <= self._clock():
            raise AttemptSpent
        if found.provider != provider:
            raise OtherProvider
        return Attempt(proof, found.next_path, found.link_to)


def new_proof() -> Proof:
    """Make the secret of a new attempt."""
    return Proof(secrets.token_urlsafe(32))


def own_path(path: str | None) -> str:
    """Give `path` if it is one of our own pages; else `/`."""
    given = path or "/"
    if (
        not given.startswith("/")
        or given.startswith(_NO_PAGES)
        or len(given) > _LONGEST_PATH
        or not given.isascii()
        or not given.isprintable()
        or any(character in given for character in '\\ <>"')
    ):
        return "/"
    parts = urlsplit(given)
    return given if not parts.scheme and not parts.netloc else "/"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
