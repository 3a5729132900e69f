"""The way to the hub: by its socket where that is mounted, else by its URL.

`Hub` opens byte streams, WebSockets and an HTTP client on the hub's doors. `HubPort` is a port on
loopback that is the hub, for programs that can't dial a Unix socket: git, the agent.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from websockets.asyncio.client import ClientConnection, connect, unix_connect

from bunkhouse_protocol.places import DOORS_PREFIX, HUB_PORT

CHUNK_BYTES = 64 * 1024

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Hub:
    """Where the hub is, and the token that it knows us by.

    `socket` is the path of its Unix socket; where it is None, `url` is dialled
    (`http://…`, `https://…`).
    """

    def __init__(self, *, token: str, socket: Path | None = None, url: str | None = None) -> None:
        if socket is None and url is None:
            raise ValueError("neither a socket nor a URL of the hub was given")
        self.socket = socket
        self.url = "http://hub" if socket is not None or url is None else url.rstrip("/")
        self._token = token

    @property
    def headers(self) -> dict[str, str]:
        """What says who we are at each door."""
        return {"Authorization": f"Bearer {self._token}"}

    async def open_stream(self) -> Streams:
        """Open a connection of plain bytes to the hub's HTTP server. Raises OSError."""
        if self.socket is not None:
            return await asyncio.open_unix_connection(self.socket, limit=CHUNK_BYTES)
        parts = urlsplit(self.url)
        secure = parts.scheme == "https"
        return await asyncio.open_connection(
            parts.hostname,
            parts.port or (443 if secure else 80),
            ssl=ssl.create_default_context() if secure else None,
            limit=CHUNK_BYTES,
        )

    @contextlib.asynccontextmanager
    async def open_websocket(
        self,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_size: int | None = 16 * 1024 * 1024,
        **options: Any,
    ) -> AsyncGenerator[ClientConnection]:
        """Open a WebSocket at a door: `path` is what follows `/sandbox`, with its query.

        Raises OSError, `websockets.InvalidHandshake` or TimeoutError where it can't be opened.
        Further options are those of `websockets.connect`.
        """
        options = {
            "additional_headers": {**self.headers, **(headers or {})},
            "max_size": max_size,
            # Local, or already gathered into frames: compressing costs more than it saves.
            "compression": None,
            **options,
        }
        url = f"ws{self.url.removeprefix('http')}{DOORS_PREFIX}{path}"
        dial = (
            unix_connect(str(self.socket), url, **options)
            if self.socket is not None
            else connect(url, **options)
        )
        async with dial as connection:
            yield connection

    def http_client(self, **options: Any) -> httpx2.AsyncClient:
        """Return a client whose relative URLs are below the doors: `client.post("/egress/…")`."""
        options = {
            "base_url": f"{self.url}{DOORS_PREFIX}",
            "headers": self.headers,
            **options,
        }
        if self.socket is not None:
            options["transport"] = httpx2.AsyncHTTPTransport(uds=str(self.socket))
        return httpx2.AsyncClient(**options)


class HubPort:
    """A port on loopback whose every connection is one to the hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, port: int = HUB_PORT) -> int:
        """Listen; 0 takes a free port. Return the port."""
        self._server = await asyncio.start_server(
            self._connected, "127.0.0.1", port, limit=CHUNK_BYTES, family=socket.AF_INET
        )
        return self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and what runs through it."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a callback of start_server runs as a task
        self._tasks.add(task)
        try:
            far = await self._hub.open_stream()
        except OSError:
            # The program sees a reset, as it would from a server that is restarting.
            writer.transport.abort()
        else:
            with contextlib.suppress(OSError):
                await join((reader, writer), far)
        finally:
            self._tasks.discard(task)


async def join(one: Streams, other: Streams) -> None:
    """Pass bytes both ways until both sides are done; an end of one side is passed on alone.

    Both are closed when it returns. Raises OSError where a side breaks.
    """
    tasks = [
        asyncio.ensure_future(_pass(one[0], other[1])),
        asyncio.ensure_future(_pass(other[0], one[1])),
    ]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for _, writer in (one, other):
            writer.transport.abort()
        raise
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _, writer in (one, other):
            writer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK_BYTES):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
    else:  # TLS can't be closed by halves
        writer.close()
