"""Snapshots of containers: images that the engine makes of their files.

An image costs what its container changed, and one stands on the other; the engine keeps those
below as long as they are needed. Podman leaves the files of a container with a user namespace in
the image as they are on its disk, owned by the user ids of that one container. Another container
has other ids and would find them to be nobody's, so each file is given back (`owners`) before the
snapshot counts as made.
"""

import asyncio
import inspect
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from weakref import WeakValueDictionary

import aiodocker

from bunkhouse.errors import Conflict, ImageMissing, Unavailable
from bunkhouse.sandboxes import owners
from bunkhouse.sandboxes.container_config import (
    LABEL_IMAGE,
    LABEL_INSTALLATION,
    LABEL_ROLE,
    LABEL_SANDBOX,
    LABEL_SESSION,
    LABEL_SNAPSHOT,
    LAYER,
    OWNERS,
    PYTHON,
    SANDBOX,
    SNAPSHOTS,
    UNFINISHED,
    container_name,
    owners_config,
    snapshot_name,
)
from bunkhouse.sandboxes.engine import EngineInfo
from bunkhouse.sandboxes.engine_client import container, id_ranges, images, images_labelled
from bunkhouse.sandboxes.engine_errors import engine_errors, is_absent, is_conflict
from bunkhouse.sandboxes.provider import Snapshot
from bunkhouse_protocol.places import ENV_HUB_URL, ENV_TOKEN

CALL_SECONDS = 60.0
LIST_ATTEMPTS = 5
COMMIT_SECONDS = 900.0
"""For some gigabytes on a slow disk."""


class Snapshots:
    """The snapshots of one installation on one engine."""

    def __init__(self, docker: aiodocker.Docker, engine: EngineInfo, *, installation: str) -> None:
        self._docker = docker
        self._engine = engine
        self._installation = installation
        self._images = images(docker)
        self._taking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def take(self, sandbox_id: str, sandbox: Mapping[str, Any], snapshot_id: str) -> None:
        """Make an image of a sandbox's files; `sandbox` is what the engine says of it.

        Several of one sandbox are made one after the other.
        """
        async with self._taking.setdefault(sandbox_id, asyncio.Lock()):
            await self._take(sandbox_id, sandbox, snapshot_id)

    async def _take(self, sandbox_id: str, sandbox: Mapping[str, Any], snapshot_id: str) -> None:
        if await self._there(snapshot_name(snapshot_id)):
            return
        tag = snapshot_id + UNFINISHED
        await self._untag(snapshot_name(tag))  # what an attempt left that was cut off
        changes = [
            f"LABEL {LABEL_SNAPSHOT}={snapshot_id}",
            # Of its environment nothing is to come back: neither a token nor a way to a hub.
            f"ENV {ENV_TOKEN}=",
            f"ENV {ENV_HUB_URL}=",
        ]
        async with engine_errors(COMMIT_SECONDS):
            one = container(self._docker, container_name(sandbox_id, SANDBOX))
            await one.commit(repository=SNAPSHOTS, tag=tag, changes=changes, config={})
        await self._give_back(sandbox_id, sandbox, snapshot_name(tag))
        async with engine_errors(CALL_SECONDS):
            await self._images.tag(snapshot_name(tag), SNAPSHOTS, tag=snapshot_id)
        await self._untag(snapshot_name(tag))

    async def all(self) -> list[Snapshot]:
        """All of this installation, also those that are made in part."""
        snapshots: list[Snapshot] = []
        for image in await self._listed():
            labels: Mapping[str, str] = image.get("Labels") or {}
            if LABEL_SNAPSHOT in labels:
                size = await self._size(str(image["Id"]))
                name, session_id = labels[LABEL_SNAPSHOT], labels.get(LABEL_SESSION)
                snapshots.append(Snapshot(name, session_id, size))
        return snapshots

    async def _listed(self) -> list[Mapping[str, Any]]:
        """This installation's images. Podman can't list any while one, whosever, is removed."""
        label = f"{LABEL_INSTALLATION}={self._installation}"
        for _ in range(LIST_ATTEMPTS - 1):
            with suppress(ImageMissing):
                return await self._asked_for(label)
        return await self._asked_for(label)

    async def _asked_for(self, label: str) -> list[Mapping[str, Any]]:
        async with engine_errors(CALL_SECONDS):
            return await images_labelled(self._docker, label)

    async def forget(self, snapshot_id: str) -> None:
        """Remove one, also where it is made in part."""
        for tag in (snapshot_id, snapshot_id + UNFINISHED):
            await self._untag(snapshot_name(tag))

    async def _there(self, name: str) -> bool:
        async with engine_errors(CALL_SECONDS):
            try:
                await self._images.inspect(name)
            except aiodocker.DockerError as error:
                if not is_absent(error):
                    raise
                return False
        return True

    async def _untag(self, name: str) -> None:
        async with engine_errors(CALL_SECONDS):
            try:
                await self._images.delete(name)
            except aiodocker.DockerError as error:
                if is_conflict(error):
                    raise Conflict(
                        "A sandbox stands on this snapshot.", code="snapshot_in_use"
                    ) from error
                if not is_absent(error):
                    raise

    async def _size(self, name: str) -> int:
        async with engine_errors(CALL_SECONDS):
            with suppress(aiodocker.DockerError):  # it may be removed at this very moment
                layers = await self._images.history(name)
                return int(layers[0]["Size"]) if layers else 0
        return 0

    async def _give_back(self, sandbox_id: str, sandbox: Mapping[str, Any], name: str) -> None:
        if self._engine.name != "podman":
            return
        async with engine_errors(COMMIT_SECONDS):
            ranges = await id_ranges(self._docker, container_name(sandbox_id, SANDBOX))
            if ranges is None:
                return
            layer = _layer(await self._images.inspect(name))
            if layer is None:
                raise Unavailable(
                    "This engine's storage can't keep files beyond a sandbox's life.",
                    remedy="Let it use the `overlay` driver.",
                    code="engine_refused",
                )
            labels: Mapping[str, str] = sandbox["Config"]["Labels"] or {}
            image = labels.get(LABEL_IMAGE) or str(sandbox["Config"]["Image"])
            command = [PYTHON, "-I", "-c", inspect.getsource(owners), LAYER, *ranges]
            config = owners_config(image, layer, command, _labels(labels))
            await self._run(container_name(sandbox_id, OWNERS), config)

    async def _run(self, name: str, config: dict[str, Any]) -> None:
        said = b""
        one = container(self._docker, name)
        await _remove(one)
        await self._docker.containers.create(config, name=name)
        try:
            async with one.attach(stdout=True, stderr=True, logs=False) as output:
                await one.start()
                while message := await output.read_out():
                    said += message.data
        finally:
            await _remove(one)
        if owners.DONE.encode() not in said:
            words = said.decode(errors="replace").strip().splitlines()
            raise Unavailable(
                "The files could not be kept with their owners"
                + (f": {words[-1]}" if words else "."),
                code="engine_refused",
            )


def _layer(image: Mapping[str, Any]) -> str | None:
    """The folder, on the engine's machine, of what the newest layer of an image holds."""
    driver: Mapping[str, Any] = image.get("GraphDriver") or {}
    places: Mapping[str, str] = driver.get("Data") or {}
    return places.get("UpperDir")


async def _remove(one: Any) -> None:
    try:
        await one.delete(force=True, v=True)
    except aiodocker.DockerError as error:
        if not is_absent(error):
            raise


def _labels(labels: Mapping[str, str]) -> dict[str, str]:
    kept = (LABEL_INSTALLATION, LABEL_SESSION, LABEL_SANDBOX)
    return {name: labels[name] for name in kept if name in labels} | {LABEL_ROLE: OWNERS}
