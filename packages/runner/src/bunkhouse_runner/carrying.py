"""Bytes between a program's connection and the hub's WebSocket for it."""

import asyncio
import contextlib
import socket
import struct
from typing import cast

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

CHUNK = 64 * 1024
HALF_CLOSED_SECONDS = 300.0
"""How long nothing may move after one side has said all that it had to say."""
EOF = '{"eof":true}'
"""The text message that closes one direction."""


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection so that the other side sees `connection reset`."""
    connection = cast("socket.socket | None", writer.get_extra_info("socket"))
    if connection is not None:
        with contextlib.suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stream: ClientConnection
) -> None:
    """Bytes both ways until both sides have ended, or one broke off, which resets the other.

    Raises OSError and WebSocketException where one broke off, TimeoutError where one has ended
    and the other fell silent.
    """
    moved = _Moved()
    up = asyncio.create_task(_up(reader, stream, moved))
    down = asyncio.create_task(_down(stream, writer, moved))
    closed = asyncio.create_task(stream.wait_closed())
    tasks = {up, down, closed}
    try:
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        while True:
            for task in (up, down):
                if task.done():
                    task.result()
            if up.done() and down.done():
                break
            if down.done() and closed.done():
                raise ConnectionResetError("the hub ended the stream")
            before = moved.messages
            # What came before the end of the stream is still to be written: first `down` ends.
            waiting = {up, closed} if down.done() else {down}
            done, _ = await asyncio.wait(
                waiting, timeout=HALF_CLOSED_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if not done and moved.messages == before:
                raise TimeoutError("half closed, and silent")
        writer.close()
        async with asyncio.timeout(HALF_CLOSED_SECONDS):
            await writer.wait_closed()
    except BaseException:
        stream.transport.abort()  # a polite close would wait for bytes that nobody wants any more
        raise
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Moved:
    """Counts messages of both directions, to tell silence."""

    messages = 0


async def _up(reader: asyncio.StreamReader, stream: ClientConnection, moved: _Moved) -> None:
    while data := await reader.read(CHUNK):
        await stream.send(data)
        moved.messages += 1
    await stream.send(EOF)


async def _down(stream: ClientConnection, writer: asyncio.StreamWriter, moved: _Moved) -> None:
    try:
        while True:
            message = await stream.recv()
            if isinstance(message, bytes):
                writer.write(message)
                await writer.drain()
                moved.messages += 1
            elif message == EOF:
                break
    except ConnectionClosedOK:
        pass
    except ConnectionClosed as broken:
        raise ConnectionResetError("the hub ended the stream") from broken
    writer.write_eof()
