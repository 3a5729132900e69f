"""Reaching into sandboxes that share no folder with the hub.

The way in is the same for everybody above: two Unix sockets for each sandbox. Where the sandbox
can't listen on them itself, the hub does, and for each connection asks the runner over its link to
dial back with a stream of bytes, and joins the two.
"""

import asyncio
from contextlib import suppress
from pathlib import Path

from starlette.websockets import WebSocket, WebSocketDisconnect

from bunkhouse.errors import SandboxNotRunning
from bunkhouse.sandboxes.sockets import to_bind
from bunkhouse.sessions.identifiers import new_id
from bunkhouse.sessions.links import Links
from bunkhouse.sessions.reaching import SOCKETS, Way

_DIAL_SECONDS = 10.0
_CHUNK = 64 * 1024


class Dialling:
    """Listens in place of sandboxes, and joins what they dial back."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._servers: dict[str, list[asyncio.Server]] = {}
        self._expected: dict[str, tuple[str, asyncio.Future[WebSocket], asyncio.Event]] = {}

    async def open(self, sandbox_id: str, session_id: str, run_dir: Path) -> None:
        """Listen for one sandbox at its sockets in `run_dir`; nothing happens if that is so."""
        if sandbox_id in self._servers:
            return
        self._servers[sandbox_id] = [
            await self._listen(session_id, way, run_dir / name) for way, name in SOCKETS.items()
        ]

    async def close(self, sandbox_id: str) -> None:
        """Stop listening for this sandbox."""
        for server in self._servers.pop(sandbox_id, []):
            server.close()

    async def _listen(self, session_id: str, way: Way, path: Path) -> asyncio.Server:
        async def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(SandboxNotRunning, TimeoutError, OSError, WebSocketDisconnect):
                await self._join(session_id, way, reader, writer)
            writer.close()

        await asyncio.to_thread(path.unlink, missing_ok=True)
        with to_bind(path) as short:
            return await asyncio.start_unix_server(joined, short)

    async def answer(self, websocket: WebSocket, session_id: str, stream_id: str) -> None:
        """A sandbox has dialled back; holds the connection until the stream ends."""
        expected = self._expected.get(stream_id)
        if expected is None or expected[0] != session_id or expected[1].done():
            await websocket.close()
            return
        await websocket.accept()
        _, arrived, over = expected
        arrived.set_result(websocket)
        await over.wait()

    async def _join(
        self,
        session_id: str,
        way: Way,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        stream_id, over = new_id("d"), asyncio.Event()
        arrived: asyncio.Future[WebSocket] = asyncio.get_running_loop().create_future()
        self._expected[stream_id] = (session_id, arrived, over)
        try:
            await self._links.dial(session_id, stream_id, way)
            async with asyncio.timeout(_DIAL_SECONDS):
                websocket = await arrived
            up = asyncio.create_task(_send(reader, websocket))
            try:
                await _receive(websocket, writer)
            finally:
                up.cancel()
                await asyncio.gather(up, return_exceptions=True)
        finally:
            del self._expected[stream_id]
            over.set()


async def _send(reader: asyncio.StreamReader, websocket: WebSocket) -> None:
    while chunk := await reader.read(_CHUNK):
        await websocket.send_bytes(chunk)


async def _receive(websocket: WebSocket, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(await websocket.receive_bytes())
        await writer.drain()
