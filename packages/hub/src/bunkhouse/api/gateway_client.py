"""Speaks WebSocket with a sandbox's gateway over a byte stream that is already open.

How the stream came to be (a Unix socket, or one that the runner dialled) is not known here. The
WebSocket library wants a socket of its own, so it gets one end of a pair, and bytes are pumped
between the other end and the stream.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator

from websockets import ClientConnection
from websockets.asyncio.client import connect as websocket_connect

_CHUNK = 64 * 1024
_OPEN_SECONDS = 10.0
_CLOSE_SECONDS = 2.0


@contextlib.asynccontextmanager
async def connect(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str
) -> AsyncGenerator[ClientConnection, None]:
    """Open a WebSocket at `path` of the gateway; it is closed at the end of the block.

    Raises:
        OSError, TimeoutError, websockets.WebSocketException: the gateway refused, or is gone.
    """
    ours, theirs = socket.socketpair()
    pair_reader, pair_writer = await asyncio.open_connection(sock=theirs)
    pumps = [
        asyncio.create_task(_pump(reader, pair_writer)),
        asyncio.create_task(_pump(pair_reader, writer)),
    ]
    try:
        async with websocket_connect(
            f"ws://sandbox{path}",
            sock=ours,
            open_timeout=_OPEN_SECONDS,
            close_timeout=_CLOSE_SECONDS,
            compression=None,
            proxy=None,
        ) as connection:
            yield connection
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        ours.close()
        pair_writer.close()
        with contextlib.suppress(OSError):
            await pair_writer.wait_closed()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copy until the end of `source`, which becomes the end of `sink`."""
    with contextlib.suppress(OSError):
        while data := await source.read(_CHUNK):
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
