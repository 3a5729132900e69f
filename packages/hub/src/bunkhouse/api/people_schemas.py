"""The shapes of what the API says of people."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, Field

from bunkhouse.api.schemas import Input, Page
from bunkhouse.people import Role, Scope, SessionRole
from bunkhouse.people.identity import SCOPES
from bunkhouse.people.tokens import USUAL_SCOPES

PersonId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class Me(BaseModel):
    """Who is signed in."""

    id: str
    name: str
    role: Literal["admin", "member"]


class TokenIn(Input):
    """A new API token."""

    name: str = Field("token", min_length=1, max_length=100)
    scopes: list[Scope] = Field(list(USUAL_SCOPES), min_length=1, max_length=len(SCOPES))
    """What it is for; of these it may what you may."""
    days: int | None = Field(None, ge=1)
    """For how long; null: as the installation does."""
    never: bool = False
    """It does not expire by itself, where the installation allows that."""


class TokenOut(BaseModel):
    """An API token; `token` itself is told once, when it is made."""

    id: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    """Null: not by itself."""
    last_used_at: datetime | None
    """To the minute."""
    token: str | None = None


class TokensOut(Page[TokenOut]):
    """Your tokens, and what can be made here."""

    never_allowed: bool
    """Whether one can be made that does not expire by itself."""


class BrowserOut(BaseModel):
    """A browser that is signed in as you."""

    id: str
    device: str | None
    """As `Firefox on Linux`, where it says so."""
    address: str | None
    """From where it came last."""
    created_at: datetime
    last_seen_at: datetime | None
    """To the minute."""
    expires_at: datetime
    ended_at: datetime | None
    """Since when it is signed in no more, because an old copy of its cookie came back."""
    here: bool
    """It is the one that asks."""


class PersonOut(BaseModel):
    """Somebody of this installation. Only an admin is told more than the name."""

    id: str
    name: str
    role: Role | None
    created_at: datetime | None
    deactivated_at: datetime | None
    """Since when they may not sign in; null: they may."""


class PersonPatch(Input):
    """What of somebody can be changed."""

    role: Role | None = None
    active: Literal[True] | None = None
    """Let them sign in again after they were deactivated."""


class ParticipantOut(BaseModel):
    """Somebody who takes part in a session."""

    id: str
    name: str
    role: SessionRole
    author: bool
    """They began it, and stay its owner."""
    since: datetime


class ParticipantIn(Input):
    """Which role somebody is to have in a session."""

    role: SessionRole


class InviteIn(Input):
    """A new invite."""

    role: Role = "member"
    email: str | None = Field(None, min_length=3, max_length=320)
    """For this address alone, as a provider vouches for it."""
    uses: int = Field(1, ge=1)
    days: int | None = Field(None, ge=1)
    """For how long; null: as the installation does."""


class InviteOut(BaseModel):
    """An invite that is good; its `link` is told once, when it is made."""

    id: str
    role: Role
    email: str | None
    uses_left: int
    created_by: str
    """The name of who made it."""
    created_at: datetime
    expires_at: datetime
    link: str | None = None
