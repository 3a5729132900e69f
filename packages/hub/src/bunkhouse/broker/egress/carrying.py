"""Bytes between a sandbox's WebSocket and a connection that the hub made for it."""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from typing import cast

from starlette.websockets import WebSocket, WebSocketDisconnect

from bunkhouse.broker.egress.connecting import CHUNK, Streams

EOF = '{"eof":true}'
"""The text message that closes one direction."""
RESET_CODE = 4000
"""WebSocket close code: the far side broke off."""
CLOSE_SECONDS = 5.0
HALF_CLOSED_SECONDS = 330.0
"""How long nothing may move once one side has ended; a little longer than the relay's own."""


@dataclass
class Flow:
    """Bytes that went from the sandbox (`sent`) and to it (`received`)."""

    sent: int = 0
    received: int = 0


async def carry(websocket: WebSocket, streams: Streams, flow: Flow) -> None:
    """Pass bytes until both sides have ended, or one broke off, which breaks off the other."""
    reader, writer = streams
    said_all = asyncio.Event()
    up = asyncio.create_task(_up(websocket, writer, flow, said_all))
    heard_all = asyncio.create_task(said_all.wait())
    down = asyncio.create_task(_down(reader, websocket, flow))
    try:
        while not (heard_all.done() and down.done()):
            waiting = {task for task in (up, heard_all, down) if not task.done()}
            half = heard_all.done() or down.done()
            before = flow.sent, flow.received
            done, _ = await asyncio.wait(
                waiting,
                timeout=HALF_CLOSED_SECONDS if half else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                task.result()
            if not done and before == (flow.sent, flow.received):
                raise TimeoutError("half closed, and silent")
        writer.close()
        await websocket.close()
    except (OSError, WebSocketDisconnect):
        _reset(writer)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await websocket.close(RESET_CODE)
    finally:
        for task in (up, heard_all, down):
            task.cancel()
        await asyncio.gather(up, heard_all, down, return_exceptions=True)
        writer.close()


async def _up(
    websocket: WebSocket, writer: asyncio.StreamWriter, flow: Flow, said_all: asyncio.Event
) -> None:
    """Runs on after the end of what the sandbox says, so that its going away is seen."""
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
        if data := cast("bytes | None", message.get("bytes")):
            writer.write(data)
            await writer.drain()
            flow.sent += len(data)
        elif message.get("text") == EOF:
            writer.write_eof()
            said_all.set()


async def _down(reader: asyncio.StreamReader, websocket: WebSocket, flow: Flow) -> None:
    while data := await reader.read(CHUNK):
        await websocket.send_bytes(data)
        flow.received += len(data)
    await websocket.send_text(EOF)


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection so that the far side sees it as broken, not as finished."""
    connection = cast("socket.socket | None", writer.get_extra_info("socket"))
    if connection is not None:
        with contextlib.suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
