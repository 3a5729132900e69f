"""What a provider says of somebody who signed in with it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Profile:
    """An account. It is (`issuer`, `subject`); all else may change and proves nothing."""

    issuer: str
    subject: str
    login: str | None = None
    name: str | None = None
    email: str | None = None
    """Verified, by the provider's word; one that is not is not here."""
    avatar_url: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """Tokens that a provider gave, to act there in the person's name."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identified:
    """Who it is, and what they allowed us; no grant where it is of no further use."""

    profile: Profile
    grant: Grant | None = None


KeepGrant = Callable[[str, str, Grant], Awaitable[None]]
"""`keep_grant(user_id, provider, grant)`: keep what a provider gave for a person, in place of what
it gave before."""
