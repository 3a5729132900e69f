"""What all events share."""

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field


def _now() -> datetime:
    return datetime.now(UTC)


class EventBase(BaseModel):
    """What all events share: their place in the log and their time."""

    model_config = ConfigDict(extra="ignore")

    seq: int = 0
    """Place in the session's log, from 1 without gaps; 0 until the hub has stored the event."""
    first_seq: int | None = None
    """For a folded run of frames: the place of its first frame (`seq` is that of its last)."""
    at: datetime = Field(default_factory=_now)
    """When it happened, by the clock of whoever made the event (UTC)."""
