"""Programs in a sandbox: the bridge between a reader and a gateway that speaks the protocol."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import websockets
from websockets.asyncio.server import ServerConnection, unix_serve

from bunkhouse.sessions import NewSession
from bunkhouse_protocol.gateway import STDERR, STDOUT, ExecRequest

from .house import House

Handler = Callable[[ServerConnection], Awaitable[None]]


@pytest.fixture
async def gateway(house: House, tmp_path: Path) -> AsyncGenerator[Callable[[Handler], Any]]:
    """Starts a gateway with this behaviour; gives the address of its session's exec."""
    servers: list[Any] = []

    async def start(handler: Handler) -> str:
        view = await house.sessions.create(NewSession(), house.admin)
        path = tmp_path / "g.sock"
        server = await unix_serve(handler, str(path), close_timeout=1)
        servers.append(server)
        house.sessions.gateways[view.id] = path
        return f"{house.url.replace('http', 'ws')}/api/sessions/{view.id}/exec"

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


def connect(house: House, address: str) -> websockets.connect:
    headers = {"Authorization": f"Bearer {house.token}"}
    return websockets.connect(address, additional_headers=headers, proxy=None)


async def test_a_program_from_request_to_result(
    house: House, gateway: Callable[[Handler], Any]
) -> None:
    async def cat(connection: ServerConnection) -> None:
        assert connection.request is not None
        assert connection.request.path == "/exec"
        request = ExecRequest.model_validate_json(await connection.recv())
        assert (request.argv, request.cwd) == (["cat", "-"], "/workspace")
        async for message in connection:
            if isinstance(message, str):
                assert json.loads(message) == {"eof": True}
                break
            await connection.send(bytes([STDOUT]) + message)
            await connection.send(bytes([STDERR]) + b"!")
        await connection.send(json.dumps({"exit_code": 3}))

    async with connect(house, await gateway(cat)) as client:
        await client.send(json.dumps({"argv": ["cat", "-"]}))
        await client.send(b"hello")
        assert await client.recv() == b"\x01hello"
        assert await client.recv() == b"\x02!"
        await client.send(json.dumps({"eof": True}))
        assert json.loads(await client.recv())["exit_code"] == 3
        with pytest.raises(websockets.ConnectionClosedOK):
            await client.recv()


async def test_much_output_arrives_whole_through_back_pressure(
    house: House, gateway: Callable[[Handler], Any]
) -> None:
    frame, count = bytes([STDOUT]) + b"x" * 65_536, 500

    async def loud(connection: ServerConnection) -> None:
        await connection.recv()
        for _ in range(count):
            await connection.send(frame)
        await connection.send(json.dumps({"exit_code": 0}))

    async with connect(house, await gateway(loud)) as client:
        await client.send(json.dumps({"argv": ["yes"]}))
        for _ in range(count):
            assert await client.recv() == frame
        assert json.loads(await client.recv()) == {"exit_code": 0}


async def test_a_reader_that_leaves_hangs_up_on_the_sandbox(
    house: House, gateway: Callable[[Handler], Any]
) -> None:
    gone = asyncio.Event()

    async def wait(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(bytes([STDOUT]) + b"ready")
        await connection.wait_closed()
        gone.set()

    async with connect(house, await gateway(wait)) as client:
        await client.send(json.dumps({"argv": ["sleep", "9"]}))
        await client.recv()
    async with asyncio.timeout(60):
        await gone.wait()


async def test_a_sandbox_that_dies_is_told_apart_from_a_result(
    house: House, gateway: Callable[[Handler], Any]
) -> None:
    async def die(connection: ServerConnection) -> None:
        await connection.recv()
        connection.transport.abort()

    async with connect(house, await gateway(die)) as client:
        await client.send(json.dumps({"argv": ["true"]}))
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            await client.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4502


@pytest.mark.parametrize("message", ['{"argv": []}', "nonsense", b"bytes"])
async def test_a_first_message_that_is_no_request(
    house: House, gateway: Callable[[Handler], Any], message: str | bytes
) -> None:
    async def never(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with connect(house, await gateway(never)) as client:
        await client.send(message)
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            await client.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4422


async def test_without_a_sandbox_the_handshake_says_why(house: House) -> None:
    view = await house.sessions.create(NewSession(), house.admin)
    address = f"{house.url.replace('http', 'ws')}/api/sessions/{view.id}/exec"
    with pytest.raises(websockets.InvalidStatus) as refused:
        await connect(house, address)
    response = refused.value.response
    assert response.status_code == 409
    assert json.loads(response.body or b"")["code"] == "sandbox_not_running"


async def test_without_a_token_nobody_gets_in(house: House) -> None:
    address = f"{house.url.replace('http', 'ws')}/api/sessions/x/exec"
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(address, proxy=None)
    assert refused.value.response.status_code == 401


async def test_a_gateway_that_refuses_is_an_upstream_failure(house: House, tmp_path: Path) -> None:
    view = await house.sessions.create(NewSession(), house.admin)

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_unix_server(hang_up, tmp_path / "g.sock"):
        house.sessions.gateways[view.id] = tmp_path / "g.sock"
        address = f"{house.url.replace('http', 'ws')}/api/sessions/{view.id}/exec"
        with pytest.raises(websockets.InvalidStatus) as refused:
            await connect(house, address)
    assert refused.value.response.status_code == 502
