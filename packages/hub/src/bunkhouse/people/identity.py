"""The shapes of people and of what proves who they are."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from bunkhouse.store.participants import SessionRole
from bunkhouse.store.sessions import Visibility

__all__ = ["SCOPES", "ApiToken", "Person", "Role", "Scope", "SessionRole", "SignedIn", "Visibility"]

Role = Literal["admin", "member"]

Scope = Literal["read", "sessions", "account", "admin"]
"""What a token may be made for; `permissions.ACTIONS` says which action belongs to which."""

SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who uses this installation."""

    id: str
    name: str
    role: Role | Literal["public"]
    """`public`: nobody who is known, but who has a public link of one session."""
    sign_in: str | None = field(default=None, compare=False)
    """By which browser or token they came, for `People.by_sign_in`; None where by neither."""
    scopes: frozenset[Scope] | None = field(default=None, compare=False)
    """What the token is good for by which they came; None: they came by none, and may it all."""
    shown: str | None = None
    """The one session that a public link shows them; None: they came by none."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser that has just signed in; `secret` is what its cookie holds."""

    person: Person
    secret: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as its owner sees it in a list; the secret itself is not kept anywhere."""

    id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None
    scopes: tuple[Scope, ...]
    expires_at: datetime | None
    """None: not by itself."""
