"""A person drives in the place of the agent."""

from typing import Literal

from pydantic import BaseModel

from bunkhouse_protocol.events.base import EventBase
from bunkhouse_protocol.events.sandbox import ChangedFile


class DriveRequested(EventBase):
    """A person wants to work themselves: the agent stops at the next safe point."""

    type: Literal["drive_requested"] = "drive_requested"
    by: str


class DriveStarted(EventBase):
    """The agent rests and the person drives. Prompts wait until they hand back."""

    type: Literal["drive_started"] = "drive_started"
    snapshot: str
    """Names the workspace as it was (a git tree), for `Handover`."""


class DriveCommand(BaseModel):
    """A command that a person ran in a terminal."""

    command: str
    cwd: str
    exit_code: int | None = None
    """None while it still runs."""


class DriveEnded(EventBase):
    """The person handed back: what they changed, which the agent is told in its next turn."""

    type: Literal["drive_ended"] = "drive_ended"
    by: str
    note: str | None = None
    files: list[ChangedFile]
    commands: list[DriveCommand]
