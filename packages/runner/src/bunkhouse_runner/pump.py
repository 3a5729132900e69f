"""Passing bytes between two connections, as fast as one thread of Python can.

A `Pump` is the protocol of one of the two. What it receives goes, from a buffer that is used again
and again, straight into the other's socket.
While the other side takes nothing, nothing is read.
"""

import asyncio
import contextlib

CHUNK_BYTES = 256 * 1024
BUFFERED_BYTES = 1024 * 1024
"""Of each direction: what may wait for a reader that is slow."""


class Pump(asyncio.BufferedProtocol):
    """One side of a pair: reads from its own connection and writes to the other's."""

    def __init__(self) -> None:
        self._other: Pump = self
        self._transport: asyncio.Transport | None = None
        self._former: asyncio.BaseProtocol | None = None
        self._view = memoryview(bytearray(CHUNK_BYTES))
        self._held: list[bytes] | None = None
        """While held: what was received meanwhile."""
        self._ended = False
        """Its own side has said all."""
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    def pair(cls) -> "tuple[Pump, Pump]":
        """Return two pumps that pass on to each other."""
        one, other = cls(), cls()
        one._other, other._other = other, one
        return one, other

    # ── beginning ────────────────────────────────────────────────────────────────────────────

    def hold(self) -> None:
        """Keep what is received until `release`."""
        self._held = []

    def take(self, transport: asyncio.Transport, received: bytes = b"") -> None:
        """Become the protocol of a connection; `received` was read from it already."""
        self._transport = transport
        self._former = transport.get_protocol()
        transport.set_write_buffer_limits(high=BUFFERED_BYTES)
        if received and self._held is not None:
            self._held.append(received)
        if transport.is_closing():
            self.connection_lost(None)
        else:
            transport.set_protocol(self)
            if self._other._lost.done():  # it did not wait
                transport.close()

    async def take_over(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Become the protocol of streams that were opened; call it while held."""
        transport = writer.transport
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a socket's is
        self.take(transport)
        # What the reader has got already, and whether that was all: its `read` returns in its
        # first step where it has something to say.
        early: list[bytes] = []
        while True:
            reading = asyncio.ensure_future(reader.read(CHUNK_BYTES))
            await asyncio.sleep(0)
            if not reading.done():
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
                break
            if not (data := reading.result()):
                self._ended = True
                break
            early.append(data)
        if self._held is not None:
            self._held[:0] = early

    def write_first(self, data: bytes) -> None:
        """Say something to its own side, before what the other passes on."""
        if self._transport is not None:
            self._transport.write(data)

    def release(self) -> None:
        """Pass on what was held, and all that comes."""
        held, self._held = self._held or [], None
        target, own = self._other._transport, self._transport
        if target is not None and not target.is_closing():
            for data in held:
                target.write(data)
            if self._ended:
                self._end_other()
        if own is not None and not own.is_closing() and not self._stalled(target):
            own.resume_reading()

    @staticmethod
    def _stalled(transport: asyncio.Transport | None) -> bool:
        return transport is not None and transport.get_write_buffer_size() > BUFFERED_BYTES

    async def done(self, other: "Pump") -> None:
        """Wait until both connections are closed; cancelled, break them off."""
        try:
            await asyncio.gather(self._lost, other._lost)
        finally:
            for pump in (self, other):
                if pump._transport is not None:
                    pump._transport.abort()

    # ── what the event loop calls ────────────────────────────────────────────────────────────

    def get_buffer(self, sizehint: int) -> memoryview:
        """Give the room for what comes next."""
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on what came."""
        if self._held is not None:
            self._held.append(bytes(self._view[:nbytes]))
            return
        target = self._other._transport
        if target is not None:
            target.write(self._view[:nbytes])
            if target.get_write_buffer_size():
                # It may keep what it could not send at once, without a copy of its own.
                self._view = memoryview(bytearray(CHUNK_BYTES))

    def eof_received(self) -> bool:
        """Pass the end on; the connection stays open for the other direction."""
        self._ended = True
        if self._held is None:
            self._end_other()
        return True

    def _end_other(self) -> None:
        target = self._other._transport
        if target is None or target.is_closing():
            return
        if self._other._ended:
            # All is said by both: closing sends what is still in the buffers.
            target.close()
            if self._transport is not None:
                self._transport.close()
        else:
            with contextlib.suppress(OSError):  # it went away this very moment
                target.write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the other side too, after what it has yet to be sent."""
        if self._former is not None:
            # Whoever opened the connection may wait for its end.
            self._former.connection_lost(exc)
            self._former = None
        if not self._lost.done():
            self._lost.set_result(None)
        target = self._other._transport
        if target is not None:
            target.close()

    def pause_writing(self) -> None:
        """Its own side takes nothing for now: read nothing from the other."""
        other = self._other._transport
        if other is not None and not other.is_closing():
            other.pause_reading()

    def resume_writing(self) -> None:
        """Its own side takes again."""
        other = self._other._transport
        if other is not None and not other.is_closing() and self._other._held is None:
            other.resume_reading()
