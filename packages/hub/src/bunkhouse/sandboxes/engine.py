"""Finding the container engine, and what it can do.

Docker and Podman speak the same API. An address that a person set must answer: what they named is
never passed over in silence. Where nothing is named, the engine that `make` installed comes before
the usual places, so that the sandboxes of an installation stay on the engine they began on.
"""

import asyncio
import fcntl
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiodocker
import aiohttp

from bunkhouse.errors import EngineDown
from bunkhouse.settings import Settings

OWN_SOCKET = Path("/run/bunkhouse/engine.sock")
SETUP_FILE_VARIABLE = "BUNKHOUSE_ENGINE_SETUP"
"""Names a file that `make run` keeps locked while it installs an engine, and in which it leaves
the reason where that failed."""

ANSWER_SECONDS = 5.0
_NO_ANSWER = (TimeoutError, OSError, aiohttp.ClientError, aiodocker.DockerError)
_SENTENCES: dict[type[BaseException], str] = {
    TimeoutError: "it is silent",
    PermissionError: "this user may not use it (for Docker: be in the group `docker`)",
    FileNotFoundError: "there is no such socket",
    ConnectionRefusedError: "nothing listens there",
    ConnectionError: "the connection was cut",
    socket.gaierror: "there is no such host",
    aiohttp.ClientConnectorError: "it can't be reached",
}
_START = "Start Docker or Podman, or set BUNKHOUSE_ENGINE to the socket of one (unix:///…)."


@dataclass(frozen=True)
class EngineAddress:
    """Where an engine answered."""

    url: str
    """As `DOCKER_HOST` has it: `unix:///…`, `tcp://…`."""
    found: str
    """How it was found, for people: "DOCKER_HOST", "the engine that make installed"."""

    @property
    def socket(self) -> Path | None:
        """The Unix socket; None for an engine that is reached otherwise."""
        return Path(self.url.removeprefix("unix://")) if self.url.startswith("unix://") else None

    def connect(self) -> aiodocker.Docker:
        """A client of this engine; the caller closes it. Must be called in an event loop."""
        return aiodocker.Docker(url=self.url)


@dataclass(frozen=True)
class EngineInfo:
    """What an engine is and what it can do."""

    address: EngineAddress
    name: str
    """`podman` or `docker`."""
    version: str
    rootless: bool
    cgroup_version: int
    in_vm: bool
    """It runs under another kernel (Docker Desktop, a machine elsewhere): the hub's Unix sockets
    can't be mounted, and sandboxes dial the hub's URL."""
    limits: bool
    """Limits of memory, processors and processes are enforced."""
    user_namespaces: bool
    """Each container can have a range of user ids of its own."""
    operating_system: str
    cpus: int
    memory: int
    """In bytes."""
    storage: Path | None
    """Where images and containers are, if on this machine."""
    security_options: tuple[str, ...] = field(default=())

    @property
    def label(self) -> str:
        """For people: "Podman 4.3.1 (rootless)"."""
        return f"{self.name.capitalize()} {self.version}" + (" (rootless)" if self.rootless else "")


async def find_engine(settings: Settings) -> EngineAddress:
    """The engine to use.

    Raises `EngineDown` where none answers; its remedy says which of the usual places are there but
    closed to us.
    """
    for variable, url in (
        ("BUNKHOUSE_ENGINE", settings.engine),
        ("DOCKER_HOST", os.environ.get("DOCKER_HOST")),
    ):
        if url:
            address = EngineAddress(_as_url(url), variable)
            trouble = await _trouble(address)
            if trouble:
                raise EngineDown(
                    f"No container engine answers at {url}, which {variable} names: {trouble}.",
                    remedy=f"Start that engine, or unset {variable} to use another.",
                )
            return address
    troubles: list[str] = []
    for address in _usual_places():
        if not (address.socket and address.socket.exists()):
            continue
        trouble = await _trouble(address)
        if not trouble:
            return address
        troubles.append(f"{address.socket}: {trouble}")
    raise _none_found(troubles)


async def inspect_engine(address: EngineAddress) -> EngineInfo:
    """What the engine says of itself. Raises `EngineDown`."""
    try:
        async with address.connect() as docker, asyncio.timeout(ANSWER_SECONDS):
            version = await docker.version()
            info: Mapping[str, Any] = await docker.system.info()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - untyped
            return _info(address, version, info)
    except _NO_ANSWER as error:
        raise EngineDown(
            f"The container engine at {address.url} does not answer: {_sentence(error)}.",
            remedy=_START,
        ) from error


def _usual_places() -> Iterator[EngineAddress]:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    yield EngineAddress(f"unix://{OWN_SOCKET}", "the engine that make installed")
    places = [Path("/var/run/docker.sock"), Path("/run/podman/podman.sock")]
    if runtime:
        places += [Path(runtime) / "docker.sock", Path(runtime) / "podman" / "podman.sock"]
    places += [Path.home() / ".docker" / part / "docker.sock" for part in ("run", "desktop")]
    for place in places:
        yield EngineAddress(f"unix://{place}", "the usual place")


def _as_url(address: str) -> str:
    return f"unix://{address}" if address.startswith("/") else address


async def _trouble(address: EngineAddress) -> str | None:
    """Why an address can't be used; None where an engine answers."""
    if not address.url.startswith(("unix://", "tcp://", "http://", "https://")):
        return "that is no address of an engine (unix:///…, tcp://…)"
    try:
        async with address.connect() as docker, asyncio.timeout(ANSWER_SECONDS):
            await docker.version()
    except (*_NO_ANSWER, KeyError, TypeError) as error:
        return _sentence(error)
    return None


def _sentence(error: BaseException) -> str:
    chain = [error]  # aiodocker wraps what aiohttp wraps; the innermost says it best
    while cause := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(cause)
    for link in reversed(chain):
        for kind, sentence in _SENTENCES.items():
            if isinstance(link, kind):
                return sentence
    return "what answers there is no container engine"


def _none_found(troubles: list[str]) -> EngineDown:
    if setup := os.environ.get(SETUP_FILE_VARIABLE):
        try:
            with Path(setup).open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                if reason := file.read().strip():
                    return EngineDown(reason, remedy=_START)
        except BlockingIOError:
            return EngineDown(
                "The container engine is still being installed.",
                remedy="Sessions start by themselves as soon as it is there.",
            )
        except OSError:
            pass
    seen = f" Seen: {'; '.join(troubles)}." if troubles else ""
    return EngineDown(
        "No container engine answers on this machine.",
        remedy=f"{_START} On Debian and Ubuntu, `make run` installs one.{seen}",
    )


def _info(
    address: EngineAddress, version: Mapping[str, Any], info: Mapping[str, Any]
) -> EngineInfo:
    components = [str(part.get("Name", "")) for part in version.get("Components") or ()]
    podman = any("podman" in name.lower() for name in components)
    security = tuple(str(option) for option in info.get("SecurityOptions") or ())
    rootless = bool(info.get("Rootless")) or any("rootless" in option for option in security)
    cgroup_version = int(info.get("CgroupVersion") or 1)
    in_vm = sys.platform != "linux" or info.get("KernelVersion") != os.uname().release
    # Without root, Podman reports what the kernel could enforce; on cgroups v1 it enforces nothing.
    limits = all(info.get(name) for name in ("MemoryLimit", "PidsLimit", "CpuCfsQuota")) and not (
        rootless and cgroup_version == 1
    )
    return EngineInfo(
        address=address,
        name="podman" if podman else "docker",
        version=str(version.get("Version", "?")),
        rootless=rootless,
        cgroup_version=cgroup_version,
        in_vm=in_vm,
        limits=limits,
        user_namespaces=podman and not (in_vm or rootless) and _has_subordinate_ids(),
        operating_system=str(info.get("OperatingSystem", "")),
        cpus=int(info.get("NCPU") or 0),
        memory=int(info.get("MemTotal") or 0),
        storage=None if in_vm or not info.get("DockerRootDir") else Path(info["DockerRootDir"]),
        security_options=security,
    )


def _has_subordinate_ids() -> bool:
    """Whether Podman as root has ids to give to `userns=auto`."""
    for path in (Path("/etc/subuid"), Path("/etc/subgid")):
        try:
            lines = path.read_text().splitlines()
        except OSError:
            return False
        if not any(line.startswith("containers:") for line in lines):
            return False
    return True
