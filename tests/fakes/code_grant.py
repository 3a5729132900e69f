"""What any authorization server asks of a request, and what it keeps of one."""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")

CODE_SECONDS = 60


@dataclass
class Asked:
    """A request of a client's that a person is to answer, and then the code that stands for it."""

    redirect_uri: str
    state: str
    challenge: str
    scope: str
    nonce: str | None = None
    account: str | None = None
    given_at: float = 0.0
    used: bool = False

    def is_fresh(self) -> bool:
        return time.monotonic() - self.given_at < CODE_SECONDS


class Refused(Exception):
    """With the protocol's code of the error."""


def asked(query: Mapping[str, str]) -> Asked:
    """Read a request whose client and address to go back to are known to be right."""
    if not query.get("state"):
        raise Refused("invalid_request")
    if query.get("code_challenge_method") != "S256":
        raise Refused("invalid_request")
    if not _CHALLENGE.fullmatch(query.get("code_challenge", "")):
        raise Refused("invalid_request")
    return Asked(
        query["redirect_uri"],
        query["state"],
        query["code_challenge"],
        query.get("scope", ""),
        query.get("nonce"),
    )


def fits(challenge: str, verifier: str) -> bool:
    """PKCE: is it the verifier whose hash was announced?"""
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    made = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return hmac.compare_digest(made, challenge)
