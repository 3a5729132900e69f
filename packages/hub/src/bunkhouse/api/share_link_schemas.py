"""The shapes of share links."""

from datetime import datetime

from pydantic import BaseModel, Field

from bunkhouse.api.schemas import Input
from bunkhouse.people import SessionRole


class ShareLinkIn(Input):
    """A new share link."""

    role: SessionRole = "viewer"
    """What whoever opens it is in the session then; owner can't be given."""
    public: bool = False
    """Whoever has it sees the transcript, without signing in, and takes part in nothing."""
    uses: int | None = Field(None, ge=1)
    """How many people it lets in; null: any number."""
    days: int | None = Field(None, ge=1)
    """For how long; null: as the installation does."""


class ShareLinkOut(BaseModel):
    """A share link that is good; its `link` is told once, when it is made."""

    id: str
    role: SessionRole
    public: bool
    uses_left: int | None
    created_by: str
    """The name of who made it."""
    created_at: datetime
    expires_at: datetime
    link: str | None = None


class ShareLinksOut(BaseModel):
    """The share links of a session that are good, newest first."""

    items: list[ShareLinkOut]
    public_allowed: bool
    """Whether public ones can be made here."""


class SharedOut(BaseModel):
    """Who shows a session to whoever asks."""

    by: str
    """The name of who made the public link; without one, of who began the session."""
    until: datetime | None
    """Until when the public link is good; null without one."""
