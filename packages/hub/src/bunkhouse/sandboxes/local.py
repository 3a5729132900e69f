"""The container engine of this machine, which may come and go while the hub runs.

The hub starts before the engine is installed and lives on while it restarts: `LocalEngine` finds
it when it is first needed and looks again when it was lost. It is a `SandboxProvider`, and knows
how far the sandbox image is.
"""

import asyncio
import builtins
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiodocker

from bunkhouse.errors import BunkhouseError, EngineDown
from bunkhouse.sandboxes.containers import ContainerProvider
from bunkhouse.sandboxes.engine import EngineInfo, find_engine, inspect_engine
from bunkhouse.sandboxes.images import Images, ImageStatus
from bunkhouse.sandboxes.provider import SandboxSpec, SandboxStatus, Snapshot
from bunkhouse.settings import Settings

_FRESH_SECONDS = 2.0
"""An engine that was lost is looked for again at most this often."""
_RETRY_SECONDS = 120.0
"""A build of the image that failed is tried again after this."""


@dataclass(frozen=True, slots=True)
class _Connected:
    docker: aiodocker.Docker
    info: EngineInfo
    provider: ContainerProvider
    images: Images


class LocalEngine:
    """Sandboxes and their image on the engine of this machine."""

    def __init__(self, settings: Settings, installation: str) -> None:
        self._settings = settings
        self._installation = installation
        self._connected: _Connected | None = None
        self._connecting = asyncio.Lock()
        self._trouble: tuple[float, EngineDown] | None = None
        self._building: asyncio.Task[object] | None = None
        self._built_at = 0.0

    async def close(self) -> None:
        """Let go of the engine; a build that runs is given up and taken up by the next hub."""
        if self._building is not None:
            self._building.cancel()
            await asyncio.gather(self._building, return_exceptions=True)
        await self._drop()

    # ── SandboxProvider ──────────────────────────────────────────────────────────────────────

    async def create(self, spec: SandboxSpec) -> None:
        """See `SandboxProvider.create`."""
        async with self._engine() as engine:
            await engine.provider.create(spec)

    async def start(self, sandbox_id: str) -> None:
        """See `SandboxProvider.start`."""
        async with self._engine() as engine:
            await engine.provider.start(sandbox_id)

    async def stop(self, sandbox_id: str, grace: float = 10.0) -> None:
        """See `SandboxProvider.stop`."""
        async with self._engine() as engine:
            await engine.provider.stop(sandbox_id, grace)

    async def destroy(self, sandbox_id: str) -> None:
        """See `SandboxProvider.destroy`."""
        async with self._engine() as engine:
            await engine.provider.destroy(sandbox_id)

    async def status(self, sandbox_id: str) -> SandboxStatus:
        """See `SandboxProvider.status`."""
        async with self._engine() as engine:
            return await engine.provider.status(sandbox_id)

    async def list(self) -> list[SandboxStatus]:
        """See `SandboxProvider.list`."""
        async with self._engine() as engine:
            return await engine.provider.list()

    async def size(self, sandbox_id: str) -> int:
        """See `SandboxProvider.size`."""
        async with self._engine() as engine:
            return await engine.provider.size(sandbox_id)

    async def snapshot(self, sandbox_id: str, snapshot_id: str) -> None:
        """See `SandboxProvider.snapshot`."""
        async with self._engine() as engine:
            await engine.provider.snapshot(sandbox_id, snapshot_id)

    async def snapshots(self) -> builtins.list[Snapshot]:
        """See `SandboxProvider.snapshots`."""
        async with self._engine() as engine:
            return await engine.provider.snapshots()

    async def forget_snapshot(self, snapshot_id: str) -> None:
        """See `SandboxProvider.forget_snapshot`."""
        async with self._engine() as engine:
            await engine.provider.forget_snapshot(snapshot_id)

    # ── what it is, and its image ────────────────────────────────────────────────────────────

    async def info(self) -> EngineInfo:
        """What the engine is.

        Raises:
            EngineDown: there is none, or it does not answer.
        """
        async with self._engine() as engine:
            return engine.info

    def storage(self) -> Path | None:
        """Where it keeps sandboxes and images; None while not connected, or on another machine."""
        return None if self._connected is None else self._connected.info.storage

    async def image(self) -> ImageStatus:
        """How far the sandbox image is; where it is missing, its build is begun.

        A build that failed is tried again after a while: a mirror may have been away.

        Raises:
            EngineDown: there is no engine to have one.
        """
        async with self._engine() as engine:
            status = await engine.images.status()
            idle = self._building is None or self._building.done()
            again = status.state == "failed" and time.monotonic() - self._built_at > _RETRY_SECONDS
            if idle and (status.state == "missing" or again):
                self._built_at = time.monotonic()
                self._building = asyncio.create_task(_build(engine.images))
                await asyncio.sleep(0)  # so that the status tells of it
                status = await engine.images.status()
            return status

    async def image_reference(self) -> str:
        """The image to make sandboxes from, whether it is there or not."""
        async with self._engine() as engine:
            return engine.images.tag

    # ── within ───────────────────────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def _engine(self) -> AsyncGenerator[_Connected]:
        engine = await self._connect()
        try:
            yield engine
        except EngineDown:
            await self._drop()
            raise

    async def _connect(self) -> _Connected:
        async with self._connecting:
            if self._connected is not None:
                return self._connected
            if self._trouble and time.monotonic() - self._trouble[0] < _FRESH_SECONDS:
                raise self._trouble[1]
            try:
                address = await find_engine(self._settings)
                info = await inspect_engine(address)
            except EngineDown as error:
                self._trouble = (time.monotonic(), error)
                raise
            docker = address.connect()
            self._connected = _Connected(
                docker,
                info,
                ContainerProvider(docker, info, installation=self._installation),
                Images(docker, self._settings.data_dir, given=self._settings.image),
            )
            return self._connected

    async def _drop(self) -> None:
        engine, self._connected = self._connected, None
        if engine is not None:
            await engine.docker.close()


async def _build(images: Images) -> None:
    with suppress(BunkhouseError):  # `status` tells of it
        await images.ensure()


def installation_id(data_dir: Path) -> str:
    """The name by which this installation knows its own containers; made once."""
    file = data_dir / "installation"
    with suppress(FileExistsError), file.open("x") as new:
        new.write(secrets.token_hex(8))
    return file.read_text().strip()
