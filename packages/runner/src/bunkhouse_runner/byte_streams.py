"""Streams of bytes into the sandbox: the server on `places.STREAMS_SOCKET`.

The conversation is described in `bunkhouse_protocol.gateway`: one line says where to, one line
answers, then bytes are passed both ways (`pump`) until both sides are done.
"""

import asyncio
import contextlib
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import structlog

from bunkhouse_runner import sockets
from bunkhouse_runner.errors import RunnerError, StreamRefused
from bunkhouse_runner.pump import BUFFERED_BYTES, Pump

_log = structlog.get_logger("bunkhouse.runner.streams")

STREAMS_AT_ONCE = 512
"""More than so many streams at once are refused: each takes two descriptors, and buffers."""
LINE_BYTES = 64
LINE_SECONDS = 10.0
"""How long a peer may take to say where it wants to go."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Ways(Protocol):
    """What opens a stream to something in the sandbox: `environment.Environment`."""

    def stream(self, target: str) -> AbstractAsyncContextManager[Streams]:
        """Open a stream to `editor`, `desktop` or a port.

        Raises StreamRefused: code `not_listening`, `not_running` or `not_allowed`.
        """
        ...


class ByteStreams:
    """Serves streams on a Unix socket."""

    def __init__(self, ways: Ways, path: Path, at_once: int = STREAMS_AT_ONCE) -> None:
        self.path = path
        self._ways = ways
        self._at_once = at_once
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def count(self) -> int:
        """How many connections there are now."""
        return len(self._tasks)

    async def start(self) -> None:
        """Listen. Raises OSError where the socket can't be made."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._accept, sock=sockets.listen(self.path))

    async def stop(self) -> None:
        """Close the socket and what runs through it."""
        if self._server is not None:
            self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self) -> "_Request":
        request = _Request()
        # The protocol is made before its transport, which the first step of the task finds there.
        task = asyncio.create_task(self._serve(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return request

    async def _serve(self, request: "_Request") -> None:
        try:
            await self._join(request)
        except StreamRefused as refusal:
            request.refuse(refusal.code, refusal.message)
        except RunnerError as error:
            request.refuse("not_listening", error.message)
        except (OSError, TimeoutError) as error:
            _log.info("stream_broken", error=str(error))
            request.abort()
        except BaseException:
            request.abort()
            raise

    async def _join(self, request: "_Request") -> None:
        async with asyncio.timeout(LINE_SECONDS):
            target = await request.target
        if len(self._tasks) > self._at_once:
            raise StreamRefused("too_many", f"There are {self._at_once} streams already.")
        async with self._ways.stream(target) as (reader, writer):
            near, far = Pump.pair()
            far.hold()
            request.hand_over(near)
            await far.take_over(reader, writer)
            near.write_first(b"ok\n")
            far.release()
            near.release()
            with contextlib.suppress(OSError):
                await near.done(far)


class _Request(asyncio.Protocol):
    """The beginning of a connection: collects the line, and what follows it."""

    def __init__(self) -> None:
        self.target: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a socket's is
        self._transport = transport
        transport.set_write_buffer_limits(high=BUFFERED_BYTES)

    def data_received(self, data: bytes) -> None:
        self._received += data
        line, newline, _ = self._received.partition(b"\n")
        if newline or len(line) > LINE_BYTES:
            # The rest is read once there is somebody to pass it on to.
            assert self._transport is not None  # noqa: S101 - data comes from it
            self._transport.pause_reading()
            if not self.target.done():
                self._answer(bytes(line), whole=bool(newline))

    def _answer(self, line: bytes, *, whole: bool) -> None:
        if whole and len(line) <= LINE_BYTES and line.isascii():
            self.target.set_result(line.decode().strip())
        else:
            self.target.set_exception(StreamRefused("not_allowed", "That is no place to go to."))

    def eof_received(self) -> bool:
        if not self.target.done():
            self.target.set_exception(ConnectionResetError("nothing was asked for"))
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.target.done():
            self.target.set_exception(exc or ConnectionResetError("nothing was asked for"))

    def hand_over(self, pump: Pump) -> None:
        """Let the pump have the connection, and what was said after the line."""
        assert self._transport is not None  # noqa: S101 - there was a line
        pump.hold()
        pump.take(self._transport, bytes(self._received.partition(b"\n")[2]))

    def refuse(self, code: str, message: str) -> None:
        """Say no, and close."""
        if self._transport is not None:
            said = message.replace("\n", " ").encode()
            self._transport.write(f"refused {code} ".encode() + said + b"\n")
            self._transport.close()

    def abort(self) -> None:
        """Break the connection off."""
        if self._transport is not None:
            self._transport.abort()
