"""The calls of `aiodocker` that we make, with types: its own are partly unknown."""

import json
from collections.abc import Mapping
from typing import Any, Protocol, cast

import aiodocker
from aiodocker.stream import Stream


class Container(Protocol):
    """One container of an engine; it need not be there. All calls raise `DockerError`."""

    async def show(self, *, size: bool = False) -> dict[str, Any]:
        """What `inspect` says; with `size` also how much it wrote (`SizeRw`), which takes time."""
        ...

    async def commit(
        self, *, repository: str, tag: str, changes: list[str], config: dict[str, Any]
    ) -> dict[str, Any]:
        """Make an image of its files. Podman wants a `config`, if an empty one."""
        ...

    async def start(self) -> None:
        """Started already: nothing happens."""
        ...

    async def stop(self, *, t: int) -> None:
        """SIGTERM, and SIGKILL after `t` seconds."""
        ...

    async def kill(self, *, signal: str) -> None:
        """Send a signal to its first process. Not running: an error, of a status that differs."""
        ...

    async def pause(self) -> None:
        """Have all its processes stand still. They do already: an error (409; Podman: 500)."""
        ...

    async def unpause(self) -> None:
        """Have them go on. They do already: an error (409; Podman: 500)."""
        ...

    async def delete(self, *, force: bool, v: bool) -> None:
        """With `force` a running one too, with `v` its anonymous volumes too."""
        ...

    def attach(self, *, stdout: bool, stderr: bool, logs: bool) -> Stream:
        """What it prints from now on; may be called before it is started."""
        ...


def container(docker: aiodocker.Docker, name: str) -> Container:
    """The container of this name, without asking whether it is there."""
    return cast("Container", docker.containers.container(name))  # pyright: ignore[reportUnknownMemberType] - untyped


class Images(Protocol):
    """The images of an engine. All calls raise `DockerError`."""

    async def inspect(self, name: str) -> dict[str, Any]:
        """All about one."""
        ...

    async def history(self, name: str) -> list[dict[str, Any]]:
        """Its layers, the newest first, each with its `Size`."""
        ...

    async def tag(self, name: str, repo: str, *, tag: str | None = None) -> bool:
        """Give it one more name."""
        ...

    async def delete(self, name: str) -> list[Any]:
        """Take the name away, and with its last one the image. In use: a conflict."""
        ...


def images(docker: aiodocker.Docker) -> Images:
    """The engine's images."""
    return cast("Images", docker.images)


async def images_labelled(docker: aiodocker.Docker, label: str) -> list[Mapping[str, Any]]:
    """Those that have the label `NAME=VALUE`, as the engine lists them."""
    found = await docker.images.list(filters={"label": [label]})  # pyright: ignore[reportUnknownMemberType] - untyped
    return cast("list[Mapping[str, Any]]", found)


async def id_ranges(docker: aiodocker.Docker, name: str) -> tuple[str, str] | None:
    """Podman's own word on a container's user namespace: the ranges of user and group ids, each
    as `INSIDE:OUTSIDE:SIZE`; None where it has none of its own. (Docker's API does not say.)
    """
    shown = await docker._query_json(f"libpod/containers/{name}/json")  # pyright: ignore[reportPrivateUsage] - Podman's own
    host = cast("Mapping[str, Mapping[str, Any]]", shown)["HostConfig"]
    mappings = cast("Mapping[str, list[str]]", host.get("IDMappings") or {})
    users, groups = mappings.get("UidMap"), mappings.get("GidMap")
    return (users[0], groups[0]) if users and groups else None


async def containers_labelled(docker: aiodocker.Docker, label: str) -> list[Mapping[str, str]]:
    """The labels of all containers, running or not, that have the label `NAME=VALUE`."""
    found = await docker.containers.list(all=True, filters=json.dumps({"label": [label]}))  # pyright: ignore[reportUnknownMemberType] - untyped
    return [cast("Mapping[str, str]", one["Labels"]) for one in found]
