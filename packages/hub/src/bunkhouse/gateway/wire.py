"""A stream into a sandbox, read in the pieces in which it arrives.

`asyncio.StreamReader` copies each byte twice on its way; this takes its place on the connection.
"""

import asyncio
from collections import deque
from typing import cast

_HIGH_WATER = 1024 * 1024
"""Bytes that wait to be read before the sandbox is held up."""


class Wire(asyncio.Protocol):
    """One connection. Only one reads and only one writes at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection over on which nobody has said anything."""
        self._writer = writer  # closes the connection when it is forgotten
        # A socket's is for both directions.
        self.transport = cast("asyncio.Transport", writer.transport)
        self.failed: Exception | None = None
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self.ended = reader.at_eof()
        self._paused = False
        self._arrived: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self.transport.set_protocol(self)
        self.transport.resume_reading()

    async def read(self) -> bytes:
        """Give what has arrived, as soon as there is something; nothing at the end.

        Raises:
            OSError: the connection broke.
        """
        while not self._pieces:
            if self.failed is not None:
                raise ConnectionResetError("The sandbox broke the connection.") from self.failed
            if self.ended:
                return b""
            self._arrived = asyncio.get_running_loop().create_future()
            try:
                await self._arrived
            finally:
                self._arrived = None
        piece = self._pieces.popleft()
        self._size -= len(piece)
        if self._paused and self._size < _HIGH_WATER // 2:
            self._paused = False
            self.transport.resume_reading()
        return piece

    async def write(self, data: bytes) -> None:
        """Send, and wait while the other side is slow to take it.

        Raises:
            OSError: the connection is gone.
        """
        if self.transport.is_closing():
            raise ConnectionResetError("The sandbox has closed the connection.")
        self.transport.write(data)
        if self._writable is not None:
            await asyncio.shield(self._writable)

    def release(self, protocol: asyncio.Protocol) -> bytes:
        """Let another protocol have the connection; gives what has arrived and was not read."""
        self.transport.set_protocol(protocol)
        self.transport.resume_reading()
        rest = b"".join(self._pieces)
        self._pieces.clear()
        return rest

    def abort(self) -> None:
        """Drop the connection at once."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Keep a piece."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size > _HIGH_WATER and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Note the end; we may still have something to say."""
        self.ended = True
        self._wake()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake whoever waits."""
        self.ended = True
        self.failed = exc
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        """Hold `write` up."""
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Let `write` go on."""
        if self._writable is not None:
            self._writable.set_result(None)
            self._writable = None

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)
