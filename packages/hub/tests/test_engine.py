"""Finding the engine, with real servers on real Unix sockets."""

import asyncio
import fcntl
import json
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bunkhouse.errors import EngineDown
from bunkhouse.sandboxes import engine
from bunkhouse.sandboxes.engine import EngineAddress, find_engine, inspect_engine

from .settled import settled

PODMAN = {
    "Version": "4.3.1",
    "ApiVersion": "1.41",
    "Components": [{"Name": "Podman Engine", "Version": "4.3.1"}],
}
DOCKER = {
    "Version": "28.2.2",
    "ApiVersion": "1.50",
    "Components": [{"Name": "Engine", "Version": "28.2.2"}],
}
INFO: dict[str, Any] = {
    "KernelVersion": os.uname().release,
    "OperatingSystem": "debian",
    "CgroupVersion": "1",
    "MemoryLimit": True,
    "PidsLimit": True,
    "CpuCfsQuota": True,
    "NCPU": 2,
    "MemTotal": 1024,
    "DockerRootDir": "/var/lib/engine",
    "SecurityOptions": ["name=seccomp,profile=default"],
}

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def engine_like(version: dict[str, Any], info: dict[str, Any] | None = None) -> Handler:
    """Answers `/version` and `/info` as an engine does, one request a connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
        body = json.dumps(info if path.endswith(b"/info") else version).encode()
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    return serve


@asynccontextmanager
async def listening(path: Path, handler: Handler) -> AsyncGenerator[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    server = await asyncio.start_unix_server(handler, path)
    try:
        yield f"unix://{path}"
    finally:
        server.close()


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No variable names an engine, and the usual places that can be moved are in `tmp_path`."""
    for name in ("BUNKHOUSE_ENGINE", "DOCKER_HOST", engine.SETUP_FILE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setattr(engine, "OWN_SOCKET", tmp_path / "own.sock")
    for place in ("/var/run/docker.sock", "/run/podman/podman.sock"):
        if Path(place).exists():
            pytest.skip(f"an engine of this machine is at {place}")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


async def test_an_engine_that_a_setting_names_is_used(tmp_path: Path) -> None:
    async with listening(tmp_path / "e.sock", engine_like(DOCKER)) as url:
        assert await find_engine(settled(engine=url)) == EngineAddress(url, "BUNKHOUSE_ENGINE")
        bare_path = settled(engine=url.removeprefix("unix://"))
        assert (await find_engine(bare_path)).url == url


@pytest.mark.parametrize("variable", ["BUNKHOUSE_ENGINE", "DOCKER_HOST"])
async def test_a_named_engine_that_is_down_is_an_error_though_another_answers(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, f"unix://{tmp_path}/gone.sock")
    async with listening(tmp_path / "own.sock", engine_like(PODMAN)):
        with pytest.raises(EngineDown, match="no such socket") as caught:
            await find_engine(settled())
    assert variable in caught.value.message
    assert caught.value.remedy is not None and variable in caught.value.remedy


async def test_our_own_engine_comes_before_the_usual_places(tmp_path: Path) -> None:
    podman = tmp_path / "run" / "podman" / "podman.sock"
    async with listening(podman, engine_like(PODMAN)) as usual:
        assert (await find_engine(settled())).url == usual
        async with listening(tmp_path / "own.sock", engine_like(PODMAN)) as own:
            found = await find_engine(settled())
    assert found == EngineAddress(own, "the engine that make installed")
    assert found.socket == tmp_path / "own.sock"


async def test_a_stale_socket_is_passed_over_and_told_when_nothing_else_answers(
    tmp_path: Path,
) -> None:
    stale = tmp_path / "run" / "docker.sock"
    async with listening(stale, engine_like(DOCKER)):
        pass
    stale.touch()
    with pytest.raises(EngineDown, match="No container engine answers") as caught:
        await find_engine(settled())
    assert caught.value.remedy is not None and str(stale) in caught.value.remedy
    async with listening(tmp_path / "run" / "podman" / "podman.sock", engine_like(PODMAN)) as url:
        assert (await find_engine(settled())).url == url


async def test_what_never_answers_costs_a_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "ANSWER_SECONDS", 0.1)

    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    async with listening(tmp_path / "e.sock", silent) as url:
        with pytest.raises(EngineDown, match="it is silent"):
            await find_engine(settled(engine=url))
        gone.set()


async def test_something_else_on_the_socket_is_no_engine(tmp_path: Path) -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")
        await writer.drain()
        writer.close()

    async with listening(tmp_path / "e.sock", other) as url:
        with pytest.raises(EngineDown, match="no container engine"):
            await find_engine(settled(engine=url))


@pytest.mark.parametrize("address", ["engine.example", "ftp://engine.example"])
async def test_an_address_that_is_none_is_told(address: str) -> None:
    with pytest.raises(EngineDown, match="no address of an engine"):
        await find_engine(settled(engine=address))


async def test_while_it_is_being_installed_the_error_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = tmp_path / "engine-setup"
    setup.write_text("apt-get failed.")
    monkeypatch.setenv(engine.SETUP_FILE_VARIABLE, str(setup))
    with setup.open() as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(EngineDown, match="still being installed"):
            await find_engine(settled())
    with pytest.raises(EngineDown, match="apt-get failed"):
        await find_engine(settled())


async def test_what_podman_says_of_itself(tmp_path: Path) -> None:
    async with listening(tmp_path / "e.sock", engine_like(PODMAN, INFO)) as url:
        info = await inspect_engine(EngineAddress(url, "test"))
    assert (info.name, info.version, info.rootless) == ("podman", "4.3.1", False)
    assert info.limits and not info.in_vm
    assert info.label == "Podman 4.3.1"
    assert info.storage == Path("/var/lib/engine")


async def test_rootless_podman_on_old_cgroups_holds_no_limits(tmp_path: Path) -> None:
    rootless = INFO | {"Rootless": True}
    async with listening(tmp_path / "e.sock", engine_like(PODMAN, rootless)) as url:
        info = await inspect_engine(EngineAddress(url, "test"))
    assert info.rootless and not info.limits
    assert info.label == "Podman 4.3.1 (rootless)"


async def test_docker_desktop_is_seen_by_its_kernel(tmp_path: Path) -> None:
    desktop = INFO | {"KernelVersion": "6.6.0-linuxkit", "OperatingSystem": "Docker Desktop"}
    async with listening(tmp_path / "e.sock", engine_like(DOCKER, desktop)) as url:
        info = await inspect_engine(EngineAddress(url, "test"))
    assert info.in_vm and info.name == "docker"
    assert not info.user_namespaces and info.storage is None


async def test_an_engine_that_went_away_is_engine_down(tmp_path: Path) -> None:
    with pytest.raises(EngineDown):
        await inspect_engine(EngineAddress(f"unix://{tmp_path}/gone.sock", "test"))


@pytest.mark.engine
async def test_the_engine_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    address = await find_engine(settled())
    info = await inspect_engine(address)
    assert info.name in ("podman", "docker")
    assert info.cpus > 0
