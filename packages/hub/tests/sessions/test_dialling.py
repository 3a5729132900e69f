"""Reaching a sandbox that shares no folder with the hub: its runner dials back, over the link."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import unix_connect

from bunkhouse.broker.listener import Listener
from bunkhouse.errors import SandboxNotRunning
from bunkhouse.sessions import NewSession
from bunkhouse.sessions.dialling import Dialling
from bunkhouse.sessions.sandbox_gateway import connect, open_stream
from bunkhouse_protocol.link import DOWN, Dial, Hello

from ..conftest import ADMIN, Room
from ..sandbox import SECONDS


@pytest.fixture
async def folder(room: Room, short_path: Path) -> AsyncGenerator[tuple[str, Path]]:
    """A session, and the folder in which the hub listens in its sandbox's place."""
    view = await room.sessions.create(NewSession(), ADMIN)
    dialling = Dialling(room.links)

    async def link(websocket: WebSocket) -> None:
        await room.links.serve(websocket, view.id)

    async def stream(websocket: WebSocket) -> None:
        await dialling.answer(websocket, view.id, websocket.path_params["id"])

    doors = [WebSocketRoute("/link", link), WebSocketRoute("/streams/{id}", stream)]
    listener = Listener(Starlette(routes=doors))
    run_dir = short_path / "sandbox"
    run_dir.mkdir()
    await listener.open("s_1", view.id, run_dir)
    await dialling.open("s_1", view.id, run_dir)
    yield view.id, run_dir
    await dialling.close("s_1")
    await listener.close_all()


async def _runner(hub: str) -> None:
    """Dial, and answer each wish for a stream by saying which socket it is for."""
    answering: set[asyncio.Task[None]] = set()
    async with unix_connect(hub, "ws://hub/link") as link:
        await link.send(Hello(spool_id="spool").model_dump_json())
        async for message in link:
            frame = DOWN.validate_json(message)
            if isinstance(frame, Dial):
                answering.add(asyncio.create_task(_answer(hub, frame)))


async def _answer(hub: str, dial: Dial) -> None:
    async with unix_connect(hub, f"ws://hub/streams/{dial.stream_id}") as stream:
        if dial.socket == "streams":
            assert await stream.recv() == b"5173\n"
            await stream.send(b"ok\n")
        await stream.send(dial.socket.encode())
        await stream.send(await stream.recv())


async def test_each_socket_leads_to_its_own(room: Room, folder: tuple[str, Path]) -> None:
    session_id, run_dir = folder
    runner = asyncio.create_task(_runner(str(run_dir / "hub.sock")))
    async with asyncio.timeout(SECONDS):
        await room.links.wait_connected(session_id)
        reader, writer = await open_stream(run_dir / "streams.sock", "5173")
        writer.write(b" hello")
        assert await reader.read() == b"streams hello"
        writer.close()
        async with connect(run_dir / "gateway.sock") as (reader, writer):
            writer.write(b" hello")
            assert await reader.read() == b"gateway hello"
    runner.cancel()
    await asyncio.gather(runner, return_exceptions=True)


async def test_a_runner_that_is_not_there(folder: tuple[str, Path]) -> None:
    with pytest.raises(SandboxNotRunning):
        await open_stream(folder[1] / "streams.sock", "5173")
