"""The sandbox image: whether it is there, and building it where it is not."""

import asyncio
import fcntl
import shutil
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import aiodocker

from bunkhouse.errors import BunkhouseError, ImageMissing, StorageFull
from bunkhouse.sandboxes.build_stream import has_image
from bunkhouse.sandboxes.builder import build
from bunkhouse.sandboxes.mirrors import HostConfiguration, host_configuration
from bunkhouse.sandboxes.recipe import Recipe, read_recipe

REPOSITORY = "bunkhouse/sandbox"
BUILD_BYTES = 3 * 1024**3
"""What a build needs of free disk, with room for what it leaves behind."""
_LOCK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class ImageStatus:
    """How far the image is. The fields are those of the API's `ImageStatus`."""

    state: Literal["unknown", "missing", "building", "ready", "failed"] = "unknown"
    key: str | None = None
    step: str | None = None
    progress: float | None = None
    seconds: float | None = None
    error: str | None = None
    remedy: str | None = None


class Images:
    """The image of one installation on one engine.

    `given` is an image that a person set (`BUNKHOUSE_IMAGE`): used as it is, never built.
    """

    def __init__(
        self, docker: aiodocker.Docker, data_dir: Path, *, given: str | None = None
    ) -> None:
        self._docker = docker
        self._data_dir = data_dir
        self._given = given
        self._made_from: tuple[HostConfiguration, Recipe] | None = None
        self._status = ImageStatus()
        self._begun = 0.0
        self._changed = asyncio.Event()
        self._building: asyncio.Task[str] | None = None
        self._waiting = 0

    @property
    def key(self) -> str | None:
        """The key of the recipe; None for a given image. Blocking (0.3 s) the first time."""
        return None if self._given else self._read()[1].key

    @property
    def tag(self) -> str:
        """What to make sandboxes from, whether it is there or not. Blocking the first time."""
        return self._given or f"{REPOSITORY}:{self.key}"

    @property
    def log(self) -> Path:
        """What the last build printed."""
        return self._data_dir / "logs" / "image.log"

    async def status(self) -> ImageStatus:
        """How far it is now. Where no build runs here the engine is asked.

        Raises `EngineDown`.
        """
        if self._building is not None and not self._building.done():
            return replace(self._status, seconds=round(time.monotonic() - self._begun, 1))
        tag = await asyncio.to_thread(lambda: self.tag)
        if await has_image(self._docker, tag):
            seconds = self._status.seconds if self._status.state == "ready" else None
            return ImageStatus("ready", self.key, progress=1.0, seconds=seconds)
        return self._status if self._status.state == "failed" else ImageStatus("missing", self.key)

    async def follow(self) -> AsyncGenerator[ImageStatus]:
        """The status now, and again whenever it changes here; ends with the caller."""
        while True:
            changed = self._changed
            yield await self.status()
            await changed.wait()

    async def ensure(self, *, rebuild: bool = False) -> str:
        """The tag of an image that is there when this returns; builds it where need be.

        Any number of callers, in any number of processes with this data folder, wait for one
        build. It is given up when the last of them is cancelled (Podman still ends the step that it
        is at). `rebuild` takes nothing from
        earlier builds, which brings newer packages.

        Raises:
            ImageMissing: the given image is not there.
            StorageFull: too little disk for a build.
            UpstreamFailed, Unavailable: the build failed; the log has all it printed.
            EngineDown
        """
        if self._building is None or self._building.done():
            self._begun = time.monotonic()
            self._say(ImageStatus("building", step="Looking what is there"))
            self._building = asyncio.create_task(self._ensure(rebuild))
        building = self._building
        self._waiting += 1
        try:
            return await asyncio.shield(building)
        finally:
            self._waiting -= 1
            if not self._waiting and not building.done():
                building.cancel()
                await asyncio.wait({building})

    async def _ensure(self, rebuild: bool) -> str:
        try:
            tag = await self._ensure_given() if self._given else await self._ensure_built(rebuild)
        except BunkhouseError as error:
            self._say(self._ended("failed", error=error.message, remedy=error.remedy))
            raise
        except BaseException:
            self._say(self._ended("missing"))
            raise
        self._say(self._ended("ready", progress=1.0))
        return tag

    async def _ensure_given(self) -> str:
        if not await has_image(self._docker, self.tag):
            raise ImageMissing(
                f"The engine does not have the image {self.tag}, which BUNKHOUSE_IMAGE names.",
                remedy="Pull or build it, or unset BUNKHOUSE_IMAGE to have one built here.",
            )
        return self.tag

    async def _ensure_built(self, rebuild: bool) -> str:
        self._made_from = None
        host, recipe = await asyncio.to_thread(self._read)
        if not rebuild and await has_image(self._docker, self.tag):
            return self.tag

        def show(step: str, progress: float) -> None:
            self._say(ImageStatus("building", recipe.key, step, progress))

        self.log.parent.mkdir(parents=True, exist_ok=True)
        show("Waiting for another build on this machine", 0.0)
        async with _alone(self._data_dir / "image.lock"):
            if not rebuild and await has_image(self._docker, self.tag):
                return self.tag
            _check_room(self._data_dir)
            await build(
                self._docker, host, recipe, self.tag, log=self.log, show=show, fresh=rebuild
            )
        return self.tag

    def _read(self) -> tuple[HostConfiguration, Recipe]:
        if self._made_from is None:
            host = host_configuration()
            self._made_from = host, read_recipe(host.files())
        return self._made_from

    def _ended(
        self,
        state: Literal["missing", "ready", "failed"],
        *,
        progress: float | None = None,
        error: str | None = None,
        remedy: str | None = None,
    ) -> ImageStatus:
        key = None if self._made_from is None else self._made_from[1].key
        seconds = round(time.monotonic() - self._begun, 1)
        step = self._status.step if state == "failed" else None
        return ImageStatus(state, key, step, progress, seconds, error, remedy)

    def _say(self, status: ImageStatus) -> None:
        self._status = status
        self._changed.set()
        self._changed = asyncio.Event()


@asynccontextmanager
async def _alone(path: Path) -> AsyncGenerator[None]:
    """Hold a lock among processes; a process that dies lets go of it."""
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(_LOCK_SECONDS)
        yield


def _check_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < BUILD_BYTES:
        raise StorageFull(
            f"Building the sandbox image needs {BUILD_BYTES / 1024**3:.0f} GiB of free disk, and "
            f"{folder} has {free / 1024**3:.1f}.",
            remedy="Make room on that disk, then try again.",
        )
