"""Streams that the hub asked for: it dials in by having us dial out (`Dial` on the link)."""

import asyncio
import json
from pathlib import Path

import structlog
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from bunkhouse_runner.hub import CHUNK_BYTES, Hub

_log = structlog.get_logger("bunkhouse.runner.streams")


async def serve(hub: Hub, socket: Path, stream_id: str) -> None:
    """Connect a stream of the hub's with one of our sockets, until both sides are done."""
    try:
        # No pings: where one end reads slowly, a pong comes late.
        async with hub.open_websocket(f"/streams/{stream_id}", ping_interval=None) as far:
            reader, writer = await asyncio.open_unix_connection(socket, limit=CHUNK_BYTES)
            try:
                await _both_ways(far, reader, writer)
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError, WebSocketException) as error:
        _log.info("stream_broken", stream=stream_id, error=str(error))


async def _both_ways(
    far: ClientConnection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    inwards = asyncio.create_task(_in(far, writer))
    outwards = asyncio.create_task(_out(reader, far))
    try:
        # When the sandbox has said all, all is said; when the hub has, an answer may still come.
        await asyncio.wait({inwards, outwards}, return_when=asyncio.FIRST_EXCEPTION)
        for task in (inwards, outwards):
            if task.done():
                task.result()
    finally:
        for task in (inwards, outwards):
            task.cancel()
        await asyncio.gather(inwards, outwards, return_exceptions=True)


async def _in(far: ClientConnection, writer: asyncio.StreamWriter) -> None:
    async for message in far:
        if isinstance(message, bytes):
            writer.write(message)
            await writer.drain()
        elif message and json.loads(message).get("eof"):
            writer.write_eof()
            return
    raise ConnectionResetError("the hub closed the stream")


async def _out(reader: asyncio.StreamReader, far: ClientConnection) -> None:
    while data := await reader.read(CHUNK_BYTES):
        await far.send(data)
    await far.close()
