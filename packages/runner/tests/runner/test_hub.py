import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from bunkhouse_runner import streams
from bunkhouse_runner.hub import Hub, HubPort

from .conftest import Doors
from .fake_hub import TOKEN


@pytest.fixture
async def port(room: Path) -> AsyncGenerator[int]:
    pump = HubPort(Hub(token=TOKEN, socket=room / "hub.sock"))
    yield await pump.start(0)
    await pump.stop()


async def echo_reversed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer only when the other side has said all: a half-closed connection must work."""
    writer.write((await reader.read())[::-1])
    writer.close()


async def test_an_end_is_passed_on_while_the_answer_still_comes(room: Path, port: int) -> None:
    async with await asyncio.start_unix_server(echo_reversed, room / "hub.sock"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"abc" * 100_000)
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 60) == b"cba" * 100_000
        writer.close()


async def test_a_reader_that_is_slow_holds_the_sender_back(room: Path, port: int) -> None:
    sent = 0
    stalled = asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        try:
            while True:
                writer.write(bytes(65536))
                sent += 65536
                async with asyncio.timeout(1):
                    await writer.drain()
        except TimeoutError:
            stalled.set()
        finally:
            writer.transport.abort()

    async with await asyncio.start_unix_server(flood, room / "hub.sock"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        await asyncio.wait_for(stalled.wait(), 60)
        assert sent < 64 * 1024 * 1024
        writer.transport.abort()
        assert reader


async def test_without_a_hub_the_connection_breaks(room: Path, port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), 60) == b""
    writer.close()


async def test_the_http_client_knocks_at_the_doors_with_the_token(room: Path, doors: Doors) -> None:
    async def refused(request: Request) -> Response:
        return PlainTextResponse(request.headers["authorization"])

    route = Route("/sandbox/egress/refused", refused, methods=["POST"])
    async with doors.serve(room / "hub.sock", route):
        hub = Hub(token=TOKEN, socket=room / "hub.sock")
        async with hub.http_client() as client:
            assert (await client.post("/egress/refused")).text == f"Bearer {TOKEN}"


async def test_a_websocket_by_url(room: Path, doors: Doors, port: int) -> None:
    async def greet(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(f"{websocket.query_params['q']} {websocket.headers['x-more']}")

    async with doors.serve(room / "hub.sock", WebSocketRoute("/sandbox/greet", greet)):
        hub = Hub(token=TOKEN, url=f"http://127.0.0.1:{port}/")
        async with hub.open_websocket("/greet?q=1", headers={"X-More": "2"}) as connection:
            assert await connection.recv() == "1 2"


async def test_streaming_answers_are_passed_on_as_they_come(
    room: Path, doors: Doors, port: int
) -> None:
    more = asyncio.Event()

    async def stream(_request: Request) -> Response:
        async def parts() -> AsyncGenerator[bytes]:
            yield b"one"
            await more.wait()
            yield b"two"

        return StreamingResponse(parts())

    async with doors.serve(room / "hub.sock", Route("/sandbox/models", stream)):
        hub = Hub(token=TOKEN, url=f"http://127.0.0.1:{port}")
        async with hub.http_client() as client, client.stream("GET", "/models") as answer:
            pieces = answer.aiter_raw()
            assert await anext(pieces) == b"one"
            more.set()
            assert await anext(pieces) == b"two"


async def test_a_stream_that_the_hub_asked_for_ends_at_the_gateway(
    room: Path, doors: Doors
) -> None:
    got: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def take(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_bytes(b"ab")
        await websocket.send_bytes(b"c")
        await websocket.send_text('{"eof": true}')
        while (message := await websocket.receive())["type"] != "websocket.disconnect":
            got.put_nowait(message.get("bytes"))

    async with (
        doors.serve(room / "hub.sock", WebSocketRoute("/sandbox/streams/s1", take)),
        await asyncio.start_unix_server(echo_reversed, room / "gateway.sock"),
    ):
        hub = Hub(token=TOKEN, socket=room / "hub.sock")
        await asyncio.wait_for(streams.serve(hub, room / "gateway.sock", "s1"), 60)
        assert await asyncio.wait_for(got.get(), 60) == b"cba"


async def test_a_stream_that_nobody_takes_is_given_up(room: Path, doors: Doors) -> None:
    async with doors.serve(room / "hub.sock"):
        hub = Hub(token=TOKEN, socket=room / "hub.sock")
        await asyncio.wait_for(streams.serve(hub, room / "gateway.sock", "gone"), 60)
