"""Shapes of sign-in and of linked accounts, as the API gives them."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ProviderKey = Literal["github", "google", "oidc"]


class OfferedProvider(BaseModel):
    """A service with whose accounts one can sign in."""

    key: ProviderKey
    name: str
    start: str = Field(description="The path to go to, with `?next=` the page to come back to.")


class WaysIn(BaseModel):
    """All of them; none, where there is the one-time link alone."""

    providers: list[OfferedProvider]


class ProviderAnswer(BaseModel):
    """What a provider adds to the address that it sends a browser back to."""

    code: str | None = None
    state: str | None = None
    error: str | None = None
    iss: str | None = None
    setup_action: str | None = None
    """GitHub's word where somebody comes from installing the App, and not from signing in."""


class LinkIn(BaseModel):
    """Which account is to be linked, and where to come back to."""

    model_config = ConfigDict(extra="forbid")

    provider: ProviderKey
    next: str = Field("/", max_length=2048)


class LinkBegun(BaseModel):
    """Where the browser that asked is to go now."""

    url: str


class IdentityOut(BaseModel):
    """An account that you sign in with."""

    id: str
    provider: ProviderKey
    login: str | None
    name: str | None
    email: str | None = Field(description="As the provider says that it is verified.")
    created_at: datetime
    last_used_at: datetime | None
    usable: bool = Field(description="False where its provider is not offered here any more.")
