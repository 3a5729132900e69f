"""The session itself: how it stands, how it gets ready, what went wrong."""

from typing import Literal

from pydantic import Field

from bunkhouse_protocol.events.base import EventBase

SessionState = Literal[
    "queued",
    "starting",
    "idle",
    "working",
    "waiting",
    "hibernating",
    "hibernated",
    "restoring",
    "ended",
    "failed",
]


class SessionCreated(EventBase):
    """The first event of every log."""

    type: Literal["session_created"] = "session_created"
    repository: str | None
    branch: str | None
    model: str
    title: str
    author: str


class StateChanged(EventBase):
    """The session moved through its life cycle."""

    type: Literal["state_changed"] = "state_changed"
    previous: SessionState
    state: SessionState
    reason: str | None = None
    """In words for people: why it is so and, where something is missing, what is awaited."""


StageName = Literal[
    "copy", "image", "container", "connect", "clone", "agent", "commands", "stop", "snapshot"
]
"""`copy`: the files of another session, of which this one began as a copy. `commands`: those by
which the repository is set up. `stop` and `snapshot`: what runs in the sandbox is ended, and its
files are kept."""


class Stage(EventBase):
    """One step of getting a sandbox ready, or of putting it away.

    `done` and `failed` carry the time that it took.
    """

    type: Literal["stage"] = "stage"
    name: StageName
    status: Literal["started", "progress", "done", "failed"]
    detail: str | None = None
    """What it is doing, or what came of it: "1,204 of 9,000 objects"."""
    progress: float | None = None
    """From 0 to 1, where known."""
    ms: int | None = None


class Problem(EventBase):
    """Something went wrong. One clear sentence, and what to do about it."""

    type: Literal["error"] = "error"
    code: str
    """Machine-readable: `clone_failed`, `branch_not_found`, `model_unauthorized`, …"""
    message: str
    remedy: str | None = None
    detail: str | None = None
    """What the failing program itself said, shortened."""
    suggestions: list[str] = Field(default_factory=list[str])
    """For `branch_not_found`: names that exist and are close to what was asked for."""


class Notice(EventBase):
    """Something worth knowing that is no error: the runner came back, the agent was restarted."""

    type: Literal["notice"] = "notice"
    code: str
    message: str
