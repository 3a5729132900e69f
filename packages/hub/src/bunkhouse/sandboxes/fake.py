"""A provider in memory, for tests of all rooms. (`misbehaving` has ones that fail.)

What "runs" in a fake sandbox is a coroutine that the test gives: its runner. The contract tests run
against this provider and the real one, so that what a test learns from it is true.
"""

import asyncio
import builtins
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from bunkhouse.errors import Conflict, ImageMissing, NotFound, SnapshotMissing
from bunkhouse.sandboxes.provider import SandboxSpec, SandboxState, SandboxStatus, Snapshot

Runner = Callable[[SandboxSpec], Awaitable[int | None]]
"""What runs in a sandbox, from its start: returns its exit code (None: 0). It is cancelled where
a real one gets SIGTERM, and may then tidy up and return; a real SIGKILL it does not survive."""

TERMINATED = 143
KILLED = 137


@dataclass
class FakeSandbox:
    """One of them; what an engine would know of it."""

    spec: SandboxSpec
    task: asyncio.Task[int | None] | None = None
    exit_code: int | None = None
    oom_killed: bool = False
    detail: str | None = None
    files: dict[str, str] = field(default_factory=dict[str, str])
    """What a test, or the runner, writes in it: text by path."""
    frozen: bool = False
    """Whether an engine would say so; the runner of a test goes on all the same."""

    @property
    def running(self) -> bool:
        """Whether its runner has not ended."""
        return self.task is not None and not self.task.done()


@dataclass(frozen=True)
class FakeSnapshot:
    """Files, kept."""

    session_id: str
    files: dict[str, str]


async def idle(_spec: SandboxSpec) -> int | None:
    """A runner that does nothing until it is told to end."""
    await asyncio.Event().wait()
    return 0


class FakeProvider:
    """A `SandboxProvider` in memory.

    Args:
        runner: what runs in each sandbox.
        images: those that are there; None: any.
        sandboxes, kept: the engine's memory. Give one provider's to another to have a hub that was
            killed and started again.
    """

    def __init__(
        self,
        runner: Runner = idle,
        *,
        images: set[str] | None = None,
        sandboxes: dict[str, FakeSandbox] | None = None,
        kept: dict[str, FakeSnapshot] | None = None,
    ) -> None:
        self.runner = runner
        self.images = images
        self.sandboxes: dict[str, FakeSandbox] = {} if sandboxes is None else sandboxes
        self.kept: dict[str, FakeSnapshot] = {} if kept is None else kept

    async def create(self, spec: SandboxSpec) -> None:
        """See `SandboxProvider`."""
        if self.images is not None and spec.image not in self.images:
            raise ImageMissing("The sandbox image is not there.")
        if spec.run_dir is not None:
            _open(spec.run_dir)
        if spec.sandbox_id in self.sandboxes:
            return
        sandbox = FakeSandbox(spec)
        if spec.snapshot_id is not None:
            snapshot = self.kept.get(spec.snapshot_id)
            if snapshot is None:
                raise SnapshotMissing("What was kept of this session's files is gone.")
            sandbox.files.update(snapshot.files)
        self.sandboxes[spec.sandbox_id] = sandbox

    async def start(self, sandbox_id: str) -> None:
        """See `SandboxProvider`."""
        sandbox = self.sandboxes.get(sandbox_id)
        if sandbox is None:
            raise NotFound(f"There is no sandbox {sandbox_id}.")
        sandbox.frozen = False
        if not sandbox.running:
            sandbox.exit_code, sandbox.oom_killed, sandbox.detail = None, False, None
            sandbox.task = asyncio.create_task(self._run(sandbox), name=f"sandbox {sandbox_id}")

    async def stop(self, sandbox_id: str, grace: float = 10.0) -> None:
        """See `SandboxProvider`."""
        sandbox = self.sandboxes.get(sandbox_id)
        if sandbox is not None and sandbox.running:
            await self._end(sandbox, grace)

    async def destroy(self, sandbox_id: str) -> None:
        """See `SandboxProvider`."""
        sandbox = self.sandboxes.pop(sandbox_id, None)
        if sandbox is not None and sandbox.running:
            await self._end(sandbox, 0)

    async def status(self, sandbox_id: str) -> SandboxStatus:
        """See `SandboxProvider`."""
        sandbox = self.sandboxes.get(sandbox_id)
        if sandbox is None:
            return SandboxStatus(sandbox_id, "absent")
        state = _state(sandbox)
        return SandboxStatus(
            sandbox_id,
            state,
            sandbox.spec.session_id,
            exit_code=sandbox.exit_code if state == "exited" else None,
            oom_killed=sandbox.oom_killed,
            detail=sandbox.detail,
        )

    async def list(self) -> list[SandboxStatus]:
        """See `SandboxProvider`."""
        return [await self.status(sandbox_id) for sandbox_id in sorted(self.sandboxes)]

    async def size(self, sandbox_id: str) -> int:
        """See `SandboxProvider`."""
        sandbox = self.sandboxes.get(sandbox_id)
        return 0 if sandbox is None else sum(len(text) for text in sandbox.files.values())

    async def snapshot(self, sandbox_id: str, snapshot_id: str) -> None:
        """See `SandboxProvider`."""
        sandbox = self.sandboxes.get(sandbox_id)
        if sandbox is None:
            raise NotFound(f"There is no sandbox {sandbox_id}.")
        made = FakeSnapshot(sandbox.spec.session_id, dict(sandbox.files))
        self.kept.setdefault(snapshot_id, made)

    async def snapshots(self) -> builtins.list[Snapshot]:
        """See `SandboxProvider`."""
        return [
            Snapshot(name, one.session_id, sum(map(len, one.files.values())))
            for name, one in sorted(self.kept.items())
        ]

    async def forget_snapshot(self, snapshot_id: str) -> None:
        """See `SandboxProvider`."""
        if any(one.spec.snapshot_id == snapshot_id for one in self.sandboxes.values()):
            raise Conflict("A sandbox stands on this snapshot.", code="snapshot_in_use")
        self.kept.pop(snapshot_id, None)

    async def kill(self, sandbox_id: str, *, oom: bool = False) -> None:
        """For tests: the sandbox dies of itself, at once."""
        sandbox = self.sandboxes[sandbox_id]
        await self._end(sandbox, 0)
        sandbox.exit_code, sandbox.oom_killed = KILLED, oom

    def freeze(self, sandbox_id: str) -> None:
        """For tests: somebody has its processes stand still."""
        self.sandboxes[sandbox_id].frozen = True

    async def close(self) -> None:
        """For tests: end everything that runs."""
        for sandbox_id in list(self.sandboxes):
            await self.destroy(sandbox_id)

    async def _run(self, sandbox: FakeSandbox) -> int | None:
        try:
            sandbox.exit_code = await self.runner(sandbox.spec) or 0
        except asyncio.CancelledError:
            sandbox.exit_code = TERMINATED
        except Exception as error:
            sandbox.exit_code, sandbox.detail = 1, repr(error)
        return sandbox.exit_code

    async def _end(self, sandbox: FakeSandbox, grace: float) -> None:
        task, sandbox.frozen = sandbox.task, False
        if task is None:
            return
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=max(grace, 0.05))
        if sandbox.exit_code is None:  # it was ended before it began
            sandbox.exit_code = TERMINATED
        if not done or grace == 0:
            sandbox.task = asyncio.create_task(_ended())
            await sandbox.task
            sandbox.exit_code = KILLED


def _state(sandbox: FakeSandbox) -> SandboxState:
    if sandbox.task is None:
        return "created"
    if not sandbox.running:
        return "exited"
    return "frozen" if sandbox.frozen else "running"


async def _ended() -> int | None:
    return KILLED


def _open(run_dir: Path) -> None:
    run_dir.mkdir(parents=True, exist_ok=True)
    run_dir.chmod(0o1777)
