"""What a repository's own settings, and an admin's for it, came to in a session."""

from typing import Literal

from pydantic import BaseModel, Field

from bunkhouse_protocol.events.base import EventBase

SettingSource = Literal["person", "admin", "file", "installation"]
"""Who said so: whoever began the session; an admin, for this repository; the repository's own file;
nobody, so that it is as everywhere here."""


class SettingVariable(BaseModel):
    """A variable of the environment. Its value is not for the log."""

    name: str
    source: SettingSource


class RepositoryConfigured(EventBase):
    """The settings that the session has for its repository; told once, when its files are there."""

    type: Literal["repository_configured"] = "repository_configured"
    file: Literal["absent", "read", "in_part", "unusable", "not_read"]
    """The repository's own file. `in_part`: an `error` says what was left out. `not_read`: an admin
    has it so."""
    model: str
    model_source: SettingSource
    commands: list[str] = Field(default_factory=list[str])
    commands_source: SettingSource = "installation"
    seconds: float
    """How long the commands may take together."""
    environment: list[SettingVariable] = Field(default_factory=list[SettingVariable])
    egress: list[str] | None = None
    """What the file wants to reach; null: it says nothing of that."""
    egress_refused: list[str] = Field(default_factory=list[str])
    """Of that, what the installation does not allow."""
