"""The shapes of people and of what proves who they are."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bunkhouse.store.participants import SessionRole
from bunkhouse.store.sessions import Visibility

__all__ = ["ApiToken", "Person", "Role", "SessionRole", "SignedIn", "Visibility"]

Role = Literal["admin", "member"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who uses this installation."""

    id: str
    name: str
    role: Role
    sign_in: str | None = field(default=None, compare=False)
    """By which browser or token they came, for `People.by_sign_in`; None where by neither."""


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
