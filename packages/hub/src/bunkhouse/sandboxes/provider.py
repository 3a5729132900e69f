"""The port behind which sandboxes are made, with its semantics written out.

A provider keeps nothing in memory that it could not ask its engine for again: a hub that was killed
asks `list` and finds everything it left behind. Every call may be made again, and by two callers
at once, with the same result; a call that was cut off midway is made whole by the next one.

Files outlive a sandbox in two ways. `stop` and `start` keep them in the sandbox itself, as long as
it is not destroyed: that costs what was changed. `snapshot` keeps them under a name of their own,
which outlives the sandbox and of which any number of new ones can be made.
"""

import builtins
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

SandboxState = Literal["absent", "created", "running", "frozen", "exited"]


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
    snapshot_id: str | None = None
    """Where given, its files are those that this snapshot keeps, and not the image's. `image` is
    needed all the same: what sets the rules of its network must be nothing that a sandbox wrote."""
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
    """`created`: made (perhaps only in part) and never started. `frozen`: its processes stand
    still, and no call of ours asks for it: an engine that died while it kept files leaves that.
    `exited`: its runner has ended, by itself or by `stop`."""
    session_id: str | None = None
    """As labelled; None where the sandbox is absent."""
    exit_code: int | None = None
    """Of the last run, once exited; 128 + N for signal N."""
    oom_killed: bool = False
    """A process of the last run was ended for want of memory. Engines tell it of the first process
    alone, some not at all: True is certain, False is not."""
    detail: str | None = None
    """What else is worth knowing, in words for people."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files of a sandbox, kept."""

    snapshot_id: str
    session_id: str | None
    """Of the sandbox that it was taken of, as labelled."""
    size: int
    """Bytes that it adds to what it stands on: what was changed, and not the image."""


class SandboxProvider(Protocol):
    """Makes sandboxes, runs them, and takes them away; keeps their files.

    All calls raise `EngineDown` where the engine does not answer, `StorageFull` where its disk is
    full, and `Unavailable` (code `engine_refused`) where it says no for another reason.
    """

    async def create(self, spec: SandboxSpec) -> None:
        """Make a sandbox, not running yet. Where it is there already, nothing happens, whatever
        the rest of the spec says.

        Raises `ImageMissing` where the engine does not have the image (nothing is pulled), and
        `SnapshotMissing` where there is no such snapshot.
        """
        ...

    async def start(self, sandbox_id: str) -> None:
        """Run it, for the first time or again with the files that it had; frozen: it goes on where
        it stood. Running: nothing happens.

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

    async def size(self, sandbox_id: str) -> int:
        """Bytes of what it has changed since it was made; about 0 for one that is absent.

        The engine may have to read through its files: up to seconds.
        """
        ...

    async def snapshot(self, sandbox_id: str, snapshot_id: str) -> None:
        """Keep all files of a sandbox as they are now, under a name that is unique for all time.

        It goes on as it was: stopped, or running (it stands still meanwhile). Where there is a
        snapshot of this name already nothing happens, whatever is in it. Neither what runs in the
        sandbox is kept nor its `run_dir` nor its environment. Its files may hold its token: whoever
        makes another sandbox of them sees to it that the token is void by then.

        Raises `NotFound` where the sandbox is absent.
        """
        ...

    async def snapshots(self) -> builtins.list[Snapshot]:
        """All snapshots of this installation, also those that are made in part."""
        ...

    async def forget_snapshot(self, snapshot_id: str) -> None:
        """Remove a snapshot. Absent: nothing happens. Others that were taken of sandboxes that
        were made of it stay whole.

        Raises `Conflict` (code `snapshot_in_use`) while there is a sandbox that was made of it.
        """
        ...
