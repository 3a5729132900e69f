"""The sandbox: its files, what it reaches, what runs and listens in it."""

from typing import Literal

from pydantic import BaseModel

from bunkhouse_protocol.events.base import EventBase


class ChangedFile(BaseModel):
    """One file that differs from where the session began."""

    path: str
    status: Literal["added", "modified", "deleted", "renamed"]
    additions: int = 0
    deletions: int = 0
    binary: bool = False
    old_path: str | None = None


class WorkspaceChanged(EventBase):
    """What the workspace differs in from where it began; sent when a turn ends, if it changed."""

    type: Literal["workspace_changed"] = "workspace_changed"
    additions: int
    deletions: int
    files: list[ChangedFile]


class EgressRefused(EventBase):
    """The sandbox wanted to reach something that its policy does not allow."""

    type: Literal["egress_refused"] = "egress_refused"
    host: str
    """A name, or a bare address."""
    port: int
    protocol: Literal["tcp", "udp"] = "tcp"
    reason: str
    count: int = 1
    """How many times since the last such event; repeats are gathered."""


ServiceName = Literal["editor", "desktop"]
ServiceState = Literal["stopped", "starting", "ready", "stopping", "failed"]


class ServiceChanged(EventBase):
    """A part of the environment that runs only when it is needed was started or stopped."""

    type: Literal["service_changed"] = "service_changed"
    name: ServiceName
    state: ServiceState
    detail: str | None = None
    """While starting, what it is doing; for `stopped` and `failed`, why."""
    progress: float | None = None
    """From 0 to 1, while starting."""
    ms: int | None = None
    """For `ready`: how long the start took."""


class Port(BaseModel):
    """Something in the sandbox that listens, on loopback or on every address."""

    port: int
    process: str | None = None
    """The program's name, where it can be told: `node`, `python3`."""


class PortsChanged(EventBase):
    """What listens in the sandbox, whole; the newest replaces those before."""

    type: Literal["ports_changed"] = "ports_changed"
    ports: list[Port]
