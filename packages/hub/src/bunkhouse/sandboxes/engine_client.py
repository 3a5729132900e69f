"""The calls of `aiodocker` that we make, with types: its own are partly unknown."""

import json
from collections.abc import Mapping
from typing import Any, Protocol, cast

import aiodocker
from aiodocker.stream import Stream


class Container(Protocol):
    """One container of an engine; it need not be there. All calls raise `DockerError`."""

    async def show(self) -> dict[str, Any]:
        """What `inspect` says."""
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

    async def delete(self, *, force: bool, v: bool) -> None:
        """With `force` a running one too, with `v` its anonymous volumes too."""
        ...

    def attach(self, *, stdout: bool, stderr: bool, logs: bool) -> Stream:
        """What it prints from now on; may be called before it is started."""
        ...


def container(docker: aiodocker.Docker, name: str) -> Container:
    """The container of this name, without asking whether it is there."""
    return cast("Container", docker.containers.container(name))  # pyright: ignore[reportUnknownMemberType]


async def containers_labelled(docker: aiodocker.Docker, label: str) -> list[Mapping[str, str]]:
    """The labels of all containers, running or not, that have the label `NAME=VALUE`."""
    found = await docker.containers.list(all=True, filters=json.dumps({"label": [label]}))  # pyright: ignore[reportUnknownMemberType]
    return [cast("Mapping[str, str]", one["Labels"]) for one in found]
