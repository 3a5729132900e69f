"""The port behind which sandboxes are made, with its semantics written out.

A provider keeps nothing in memory that it could not ask its engine for again: a hub that was killed
asks `list` and finds everything it left behind. Every call may be made again, and by two callers
at once, with the same result; a call that was cut off midway is made whole by the next one.

Keeping a sandbox's files beyond its life (`snapshot`, `restore`) will come to this port with
hibernation; `stop` and `start` keep them as long as the sandbox is not destroyed.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

SandboxState = Literal["absent", "created", "running", "exited"]


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """What a sandbox is made from. Exactly one of `run_dir` and `hub_url` is given."""

    sandbox_id: str
    """Unique for all time, `[a-z0-9]` first and `[a-z0-9_.-]` after: the engine's names are made
    of it."""
    session_id: str
    image: str
    token: str = field(repr=False)
    """The sandbox's own token, its only credential (`BUNKHOUSE_SANDBOX_TOKEN`)."""
    memory: int
    """In bytes, swap included; what is above ends a process of the sandbox."""
    cpus: float
    pids: int
    """Processes and threads at once."""
    run_dir: Path | None = None
    """Folder of the hub's machine to mount at `/run/bunkhouse`; made if need be. Its mode becomes
    1777, since the sandbox's root is some other user of this machine: keep its parent closed. What
    is in it afterwards was put there by the sandbox: follow no link in it."""
    hub_url: str | None = None
    """Where a socket can't be mounted: the URL that the runner dials. The sandbox then has an
    ordinary network, and no rule of it holds what goes out."""

    def __post_init__(self) -> None:
        if (self.run_dir is None) == (self.hub_url is None):
            raise ValueError("a sandbox has either a run_dir or a hub_url")


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """How a sandbox is, as the engine sees it just now."""

    sandbox_id: str
    state: SandboxState
    """`created`: made (perhaps only in part) and never started. `exited`: its runner has ended,
    by itself or by `stop`."""
    session_id: str | None = None
    """As labelled; None where the sandbox is absent."""
    exit_code: int | None = None
    """Of the last run, once exited; 128 + N for signal N."""
    oom_killed: bool = False
    """A process of the last run was ended for want of memory. Engines tell it of the first process
    alone, some not at all: True is certain, False is not."""
    detail: str | None = None
    """What else is worth knowing, in words for people."""


class SandboxProvider(Protocol):
    """Makes sandboxes, runs them, and takes them away.

    All calls raise `EngineDown` where the engine does not answer, `StorageFull` where its disk is
    full, and `Unavailable` (code `engine_refused`) where it says no for another reason.
    """

    async def create(self, spec: SandboxSpec) -> None:
        """Make a sandbox, not running yet. Where it is there already, nothing happens, whatever
        the rest of the spec says.

        Raises `ImageMissing` where the engine does not have the image; nothing is pulled.
        """
        ...

    async def start(self, sandbox_id: str) -> None:
        """Run it, for the first time or again with the files that it had. Running: nothing happens.

        When this returns its first process has been started and what it may reach is settled; the
        runner dials the hub some moments later. Raises `NotFound` where it is absent.
        """
        ...

    async def stop(self, sandbox_id: str, grace: float = 10.0) -> None:
        """End all its processes: SIGTERM to the first, and after `grace` seconds SIGKILL to all.

        Its files stay. Not running, or absent: nothing happens.
        """
        ...

    async def destroy(self, sandbox_id: str) -> None:
        """End it at once and remove it with its files. Absent: nothing happens."""
        ...

    async def status(self, sandbox_id: str) -> SandboxStatus:
        """How it is now; state `absent` where there is none."""
        ...

    async def list(self) -> list[SandboxStatus]:
        """All sandboxes of this installation, also those that are made in part."""
        ...
