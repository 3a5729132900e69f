"""The relay: every TCP connection that a program in the sandbox opens arrives here.

The holder's rules redirect it; the kernel still knows where it was to go. That address becomes a
name again (`names.py`), the hub is asked for a stream to it, and bytes go both ways.

A refused connection is reset at once. Where the program spoke first and in a language that has
words for it, it is told: HTTP gets a 403 with the reason, TLS the alert `access_denied`. Only the
policy's refusals are told so; what failed for another reason is reset, as on any network.
"""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncGenerator
from typing import Any, cast
from urllib.parse import urlencode

import structlog
from websockets.exceptions import WebSocketException

from bunkhouse_protocol.places import RELAY_PORT
from bunkhouse_runner.carrying import CHUNK, carry, reset
from bunkhouse_runner.hub import Hub
from bunkhouse_runner.names import Names

MOST_CONNECTIONS = 512
VERDICT_SECONDS = 45.0
"""Longer than the hub takes to give up resolving and connecting."""
CLOSE_SECONDS = 5.0
SPEAK_SECONDS = 0.25
"""How long a refused program may take to say what it speaks."""
HEAR_SECONDS = 2.0
"""How long it may take to hear why."""

SO_ORIGINAL_DST = 80
TLS_ACCESS_DENIED = bytes([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x31])
HTTP_METHODS = (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH ")

log = structlog.get_logger(__name__)


class Refused(Exception):
    """The hub said no. `told`: by its policy, which the program shall know."""

    def __init__(self, reason: str, *, told: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.told = told


def original_destination(connection: socket.socket) -> tuple[str, int] | None:
    """Where a redirected connection was to go; None for one that was made to the relay itself."""
    try:
        raw = connection.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
    except OSError:
        return None
    port, packed = struct.unpack_from("!H4s", raw, 2)
    where = (socket.inet_ntoa(packed), int(port))
    return None if where == connection.getsockname() else where


class Relay:
    """Takes connections, asks the hub for each, and carries bytes."""

    def __init__(self, names: Names, hub: Hub, most: int = MOST_CONNECTIONS) -> None:
        self._names = names
        self._hub = hub
        self._most = most
        self._open: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = RELAY_PORT) -> AsyncGenerator[int]:
        """Listen; yields the port. What is open at the end is reset. Raises OSError."""
        server = await asyncio.start_server(self._accept, host, port, limit=CHUNK, backlog=512)
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        where = original_destination(writer.get_extra_info("socket"))
        if where is None or len(self._open) >= self._most:
            reset(writer)
            return
        self._open.add(task)
        host, port = self._names.name(where[0]) or where[0], where[1]
        try:
            await self._connect(host, port, reader, writer)
        except Refused as refusal:
            log.info("egress refused", host=host, port=port, reason=refusal.reason)
            if refusal.told:
                await _tell(reader, writer, refusal.reason)
        except (OSError, TimeoutError, ValueError, WebSocketException) as error:
            log.info("egress failed", host=host, port=port, error=str(error))
        finally:
            self._open.discard(task)
            reset(writer)

    async def _connect(
        self, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Carry one connection. Raises Refused, OSError, WebSocketException."""
        async with contextlib.AsyncExitStack() as stack:
            async with asyncio.timeout(VERDICT_SECONDS):
                # No pings: where one end reads slowly, a pong comes late.
                opening = self._hub.open_websocket(
                    f"/egress?{urlencode({'host': host, 'port': port})}",
                    ping_interval=None,
                    close_timeout=CLOSE_SECONDS,
                )
                stream = await stack.enter_async_context(opening)
                verdict: dict[str, Any] = json.loads(await stream.recv())
            if verdict.get("ok"):
                await carry(reader, writer, stream)
                return
        said = " ".join(str(verdict[key]) for key in ("reason", "remedy") if verdict.get(key))
        raise Refused(said, told=verdict.get("code") == "egress_refused")


async def _tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, reason: str) -> None:
    """Say why, where the program has spoken HTTP or TLS; then wait until it has heard."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(SPEAK_SECONDS):
            said = await reader.read(CHUNK)
        if said.startswith(b"\x16\x03"):
            writer.write(TLS_ACCESS_DENIED)
        elif said.startswith(HTTP_METHODS):
            body = f"Bunkhouse refused this connection. {reason}\n".encode()
            head = f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
            first = "HTTP/1.1 403 Refused by Bunkhouse\r\nConnection: close\r\n"
            writer.write(f"{first}{head}\r\n".encode() + body)
        else:
            return
        writer.write_eof()
        async with asyncio.timeout(HEAR_SECONDS):
            while await reader.read(CHUNK):
                pass
