"""What lets a browser in at an app's origin: a one-time ticket, then a cookie.

A cookie holds a *pass*, signed: who (by which sign-in), which session, which app, until when. It
says nothing of what the person may do; that is asked anew while it is used. The key is a file of
the installation, so that views survive a restart of the hub.
"""

import base64
import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bunkhouse.gateway.origins import Address

_KEY_BYTES = 32
_MOST_TICKETS = 10_000


@dataclass(frozen=True, slots=True)
class Pass:
    """Leave to see one app of one session, for who signed in as `sign_in` says."""

    sign_in: str
    address: Address
    expires_at: int
    """In seconds since 1970."""


def signing_key(path: Path) -> bytes:
    """Give the key in a file, and make one if there is none; for its owner alone."""
    with suppress(FileExistsError):
        # Whole or not at all: another process may do the same just now.
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
        try:
            os.link(fresh, path)
        finally:
            fresh.unlink()
    return path.read_bytes()


class Passes:
    """Issues and reads passes. `clock` gives seconds since 1970."""

    def __init__(
        self, key: bytes, *, seconds: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._key = key
        self._seconds = seconds
        self._clock = clock

    def issue(self, sign_in: str, address: Address) -> Pass:
        """Make a pass that begins now."""
        return Pass(sign_in, address, int(self._clock() + self._seconds))

    def write(self, issued: Pass) -> str:
        """Give a pass as a cookie's value."""
        fields = (
            issued.sign_in,
            issued.address.session,
            issued.address.app,
            str(issued.expires_at),
        )
        body = _encode("|".join(fields).encode())
        return f"{body}.{_encode(self._sign(body))}"

    def read(self, value: str) -> Pass | None:
        """Read a cookie's value; None if it is not ours, or too old."""
        body, _, signature = value.partition(".")
        if not value.isascii() or not hmac.compare_digest(_encode(self._sign(body)), signature):
            return None
        sign_in, session, app, expires_at = _decode(body).decode().split("|")
        found = Pass(sign_in, Address(session, app), int(expires_at))
        return found if found.expires_at > self._clock() else None

    def aging(self, issued: Pass) -> bool:
        """Say whether a pass that is used is due for a newer one."""
        return issued.expires_at - self._clock() < self._seconds / 2

    def _sign(self, body: str) -> bytes:
        return hmac.digest(self._key, f"app-pass-1|{body}".encode(), hashlib.sha256)


class Tickets:
    """One-time secrets that are good for seconds. `clock` gives seconds that only grow."""

    def __init__(self, *, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._tickets: dict[str, tuple[float, str, Address]] = {}

    def issue(self, sign_in: str, address: Address) -> str:
        """Make a ticket."""
        now = self._clock()
        self._tickets = {
            secret: ticket for secret, ticket in self._tickets.items() if ticket[0] > now
        }
        while len(self._tickets) >= _MOST_TICKETS:
            del self._tickets[next(iter(self._tickets))]
        secret = secrets.token_urlsafe(24)
        self._tickets[secret] = (now + self._seconds, sign_in, address)
        return secret

    def redeem(self, secret: str, address: Address) -> str | None:
        """Use a ticket up and give whose it was; None if it is not good for this app (any more)."""
        expires_at, sign_in, meant = self._tickets.pop(secret, (0.0, "", None))
        return sign_in if meant == address and expires_at > self._clock() else None


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
