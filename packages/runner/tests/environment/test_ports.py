import asyncio
from pathlib import Path

import pytest

from bunkhouse_protocol.events import PortsChanged
from bunkhouse_runner.environment import ports
from bunkhouse_runner.environment.environment import Environment
from bunkhouse_runner.environment.ports import Ports
from bunkhouse_runner.errors import StreamRefused, Unknown
from bunkhouse_runner.processes import Account

from .conftest import Told

LISTENER = (
    "import socket, sys; s = socket.create_server((sys.argv[1], 0), "
    "family=socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET); "
    "print(s.getsockname()[1], flush=True); sys.stdin.read()"
)


async def listen(address: str) -> tuple[int, asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        "python3", "-c", LISTENER, address,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    return int(await process.stdout.readline()), process


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "0.0.0.0"])
async def test_a_port_comes_and_goes(
    address: str, told: Told, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "LOOK_SECONDS", 0.05)
    watching = asyncio.create_task(Ports(told, Account.current(room)).watch())
    port, process = await listen(address)

    def lists(event: object) -> bool:
        return isinstance(event, PortsChanged) and any(one.port == port for one in event.ports)

    await told.until(lists)
    told.events.clear()
    process.kill()
    await process.wait()
    await told.until(lambda one: isinstance(one, PortsChanged) and not lists(one))
    watching.cancel()


async def test_streams_to_ports(told: Told, room: Path) -> None:
    environment = Environment(told, Account.current(room / "home"), room / "workspace")

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    for address in ("127.0.0.1", "::1"):
        server = await asyncio.start_server(greet, address, 0)
        port = server.sockets[0].getsockname()[1]
        async with environment.stream(str(port)) as (reader, _):
            assert await reader.read() == b"hello"
        server.close()
        await server.wait_closed()
    for target, code in {
        str(port): "not_listening", "4096": "not_allowed", "0": "not_allowed",
        "65536": "not_allowed", "-1": "not_allowed", "99999999999": "not_allowed",
        "": "not_allowed", "editor": "not_running", "desktop": "not_running",
    }.items():  # fmt: skip
        with pytest.raises(StreamRefused) as caught:
            async with environment.stream(target):
                pass
        assert caught.value.code == code, target
    with pytest.raises(Unknown):
        await environment.stop_service("kitchen")  # pyright: ignore[reportArgumentType] - the point
    await environment.close()
