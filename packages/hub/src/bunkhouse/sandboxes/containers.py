"""Sandboxes as containers of a local engine, by the Docker Engine API (Docker and Podman).

A sandbox is two containers, the sandbox itself and its *holder* (`container_config` has their
shapes); one alone where it dials the hub's URL. Their names are made of the sandbox's id, so the
engine itself sees to it that there is only one of each.
"""

import asyncio
import builtins
import math
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import aiodocker

from bunkhouse.errors import (
    BunkhouseError,
    ImageMissing,
    NotFound,
    SnapshotMissing,
    Unavailable,
)
from bunkhouse.sandboxes.container_config import (
    HOLDER,
    LABEL_INSTALLATION,
    LABEL_SANDBOX,
    LABEL_SESSION,
    OWNERS,
    SANDBOX,
    Role,
    container_name,
    holder_config,
    sandbox_config,
)
from bunkhouse.sandboxes.engine import EngineInfo
from bunkhouse.sandboxes.engine_client import Container, container, containers_labelled
from bunkhouse.sandboxes.engine_errors import engine_errors, is_absent, is_busy, is_conflict
from bunkhouse.sandboxes.provider import SandboxSpec, SandboxState, SandboxStatus, Snapshot
from bunkhouse.sandboxes.snapshots import Snapshots

CALL_SECONDS = 60.0
DELETE_ATTEMPTS = 20
BUSY_SECONDS = 0.1
KILLED = 137
_STATES: dict[str, SandboxState] = {
    "created": "created",
    "configured": "created",
    "initialized": "created",
    "running": "running",
    "paused": "frozen",
    "restarting": "running",
    "stopping": "running",
}


class ContainerProvider:
    """A `SandboxProvider` on one engine, for one installation.

    `installation` goes into the labels: several hubs may share an engine, and each sees its own.
    """

    def __init__(self, docker: aiodocker.Docker, engine: EngineInfo, *, installation: str) -> None:
        self._docker = docker
        self._engine = engine
        self._installation = installation
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._snapshots = Snapshots(docker, engine, installation=installation)

    async def create(self, spec: SandboxSpec) -> None:
        """See `SandboxProvider`."""
        async with self._lock(spec.sandbox_id):
            if spec.run_dir is not None:
                await asyncio.to_thread(_open_run_dir, spec.run_dir)
            config = sandbox_config(spec, self._engine, self._installation)
            try:
                await self._create(spec.sandbox_id, SANDBOX, config)
            except ImageMissing as error:
                if spec.snapshot_id is None:
                    raise
                raise SnapshotMissing("What was kept of this session's files is gone.") from error
            if spec.hub_url is None:
                config = holder_config(spec, self._engine, self._installation)
                try:
                    await self._create(spec.sandbox_id, HOLDER, config)
                except ImageMissing:  # it is not the sandbox's own where that is of a snapshot
                    await self._delete_role(spec.sandbox_id, SANDBOX)
                    raise

    async def start(self, sandbox_id: str) -> None:
        """See `SandboxProvider`.

        A holder that died under a running sandbox is started anew, and the sandbox goes on.
        """
        async with self._lock(sandbox_id):
            sandbox, holder = await self._show_both(sandbox_id)
            if sandbox is None:
                raise NotFound(f"There is no sandbox {sandbox_id}.")
            wants_holder = _wants_holder(sandbox)
            if wants_holder and holder is None:
                raise NotFound(f"The sandbox {sandbox_id} is made only in part.")
            if _state(sandbox) == "frozen":
                await self._thaw(sandbox_id)
            running = _state(sandbox) in ("running", "frozen")
            held = holder is not None and _state(holder) == "running"
            if held and not running:  # it sits in the namespaces of the last run
                await self._stop(sandbox_id, HOLDER, 0)
            if not running:
                async with engine_errors(CALL_SECONDS):
                    await self._container(sandbox_id, SANDBOX).start()
            if wants_holder and not (held and running):
                try:
                    await self._hold(sandbox_id)
                except BunkhouseError:
                    if not await self._goes_on(sandbox_id):
                        return  # it ended meanwhile, as `status` tells
                    await self._stop(sandbox_id, SANDBOX, 0)
                    raise

    async def _goes_on(self, sandbox_id: str) -> bool:
        """Whether it runs, and nobody is about to end it."""
        sandbox = await self._show(sandbox_id, SANDBOX)
        return sandbox is not None and sandbox["State"]["Status"] == "running"

    async def stop(self, sandbox_id: str, grace: float = 10.0) -> None:
        """See `SandboxProvider`."""
        async with self._lock(sandbox_id):
            sandbox = await self._show(sandbox_id, SANDBOX)
            if sandbox is not None and _state(sandbox) == "frozen":
                await self._thaw(sandbox_id)  # Podman stops nothing that stands still
            await self._stop(sandbox_id, SANDBOX, grace)
            await self._stop(sandbox_id, HOLDER, 0)

    async def destroy(self, sandbox_id: str) -> None:
        """See `SandboxProvider`."""
        async with self._lock(sandbox_id):
            async with engine_errors(CALL_SECONDS):
                # Podman would give it ten seconds. And if we are cut off, it has ended anyway.
                with suppress(aiodocker.DockerError):
                    await self._container(sandbox_id, SANDBOX).kill(signal="KILL")
            for role in (OWNERS, HOLDER, SANDBOX):  # in this order: the last must stay till then
                await self._delete_role(sandbox_id, role)

    async def status(self, sandbox_id: str) -> SandboxStatus:
        """See `SandboxProvider`."""
        sandbox, holder = await self._show_both(sandbox_id)
        shown = sandbox or holder
        if shown is None:
            return SandboxStatus(sandbox_id, "absent")
        labels: dict[str, str] = shown["Config"]["Labels"] or {}
        session_id = labels.get(LABEL_SESSION)
        if sandbox is None:
            return SandboxStatus(sandbox_id, "created", session_id, detail="made only in part")
        state, facts = _state(sandbox), sandbox["State"]
        if state == "frozen" and self._lock(sandbox_id).locked():
            state = "running"  # it stands still for a snapshot
        detail = facts.get("Error") or None
        if state == "exited" and facts.get("ExitCode") == KILLED:
            # On cgroups v1 Podman does not say why.
            detail = "killed: if nobody stopped it, most likely for want of memory"
        held = holder is not None and _state(holder) == "running"
        if state == "running" and _wants_holder(sandbox) and not held:
            detail = "its holder has ended; start it again"
        return SandboxStatus(
            sandbox_id,
            state,
            session_id,
            exit_code=facts.get("ExitCode") if state == "exited" else None,
            oom_killed=state == "exited" and bool(facts.get("OOMKilled")),
            detail=detail,
        )

    async def list(self) -> list[SandboxStatus]:
        """See `SandboxProvider`."""
        label = f"{LABEL_INSTALLATION}={self._installation}"
        async with engine_errors(CALL_SECONDS):
            found = await containers_labelled(self._docker, label)
        ids = {labels[LABEL_SANDBOX] for labels in found}
        statuses = await asyncio.gather(*map(self.status, sorted(ids)))
        return [status for status in statuses if status.state != "absent"]

    async def size(self, sandbox_id: str) -> int:
        """See `SandboxProvider`."""
        async with engine_errors(CALL_SECONDS):
            try:
                shown = await self._container(sandbox_id, SANDBOX).show(size=True)
            except aiodocker.DockerError as error:
                if not is_absent(error):
                    raise
                return 0
        return int(shown.get("SizeRw") or 0)

    async def snapshot(self, sandbox_id: str, snapshot_id: str) -> None:
        """See `SandboxProvider`."""
        async with self._lock(sandbox_id):
            sandbox = await self._show(sandbox_id, SANDBOX)
            if sandbox is None:
                raise NotFound(f"There is no sandbox {sandbox_id}.")
            await self._snapshots.take(sandbox_id, sandbox, snapshot_id)

    async def snapshots(self) -> builtins.list[Snapshot]:
        """See `SandboxProvider`."""
        return await self._snapshots.all()

    async def forget_snapshot(self, snapshot_id: str) -> None:
        """See `SandboxProvider`."""
        await self._snapshots.forget(snapshot_id)

    def _lock(self, sandbox_id: str) -> asyncio.Lock:
        return self._locks.setdefault(sandbox_id, asyncio.Lock())

    def _container(self, sandbox_id: str, role: Role) -> Container:
        return container(self._docker, container_name(sandbox_id, role))

    async def _create(self, sandbox_id: str, role: Role, config: dict[str, Any]) -> None:
        async with engine_errors(CALL_SECONDS):
            try:
                await self._docker.containers.create(config, name=container_name(sandbox_id, role))
            except aiodocker.DockerError as error:
                if not is_conflict(error):
                    raise

    async def _show(self, sandbox_id: str, role: Role) -> dict[str, Any] | None:
        async with engine_errors(CALL_SECONDS):
            try:
                return await self._container(sandbox_id, role).show()
            except aiodocker.DockerError as error:
                if not is_absent(error):
                    raise
                return None

    async def _show_both(
        self, sandbox_id: str
    ) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        return await asyncio.gather(self._show(sandbox_id, SANDBOX), self._show(sandbox_id, HOLDER))

    async def _thaw(self, sandbox_id: str) -> None:
        async with engine_errors(CALL_SECONDS):
            try:
                await self._container(sandbox_id, SANDBOX).unpause()
            except aiodocker.DockerError as error:
                if not is_conflict(error):
                    raise

    async def _stop(self, sandbox_id: str, role: Role, grace: float) -> None:
        async with engine_errors(CALL_SECONDS + grace):
            try:
                await self._container(sandbox_id, role).stop(t=math.ceil(grace))
            except aiodocker.DockerError as error:
                if not (is_absent(error) or is_conflict(error)):
                    raise

    async def _delete_role(self, sandbox_id: str, role: Role) -> None:
        async with engine_errors(CALL_SECONDS):
            await self._delete(sandbox_id, role)

    async def _delete(self, sandbox_id: str, role: Role) -> None:
        for attempts_left in range(DELETE_ATTEMPTS - 1, -1, -1):
            try:
                await self._container(sandbox_id, role).delete(force=True, v=True)
                return
            except aiodocker.DockerError as error:
                if is_absent(error):
                    return
                if not (is_busy(error) and attempts_left):
                    raise
            await asyncio.sleep(BUSY_SECONDS)

    async def _hold(self, sandbox_id: str) -> None:
        """Start the holder and see that its rules stand."""
        said = b""
        async with engine_errors(CALL_SECONDS):
            holder = self._container(sandbox_id, HOLDER)
            async with holder.attach(stdout=True, stderr=True, logs=False) as output:
                await holder.start()
                while b"READY" not in said and (message := await output.read_out()):
                    said += message.data
        if b"READY" not in said:
            reason = said.decode(errors="replace").strip().splitlines()
            raise Unavailable(
                "The sandbox's network rules could not be set"
                + (f": {reason[-1]}" if reason else "."),
                remedy="`bunkhouse doctor` says what this engine is missing.",
                code="engine_refused",
            )


def _state(shown: dict[str, Any]) -> SandboxState:
    return _STATES.get(shown["State"]["Status"], "exited")


def _wants_holder(sandbox: dict[str, Any]) -> bool:
    return sandbox["HostConfig"]["NetworkMode"] == "none"


def _open_run_dir(run_dir: Path) -> None:
    """Make the mounted folder and let the sandbox's root, whoever that is here, write in it.

    The sticky bit keeps it from replacing the hub's socket.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    run_dir.chmod(0o1777)
