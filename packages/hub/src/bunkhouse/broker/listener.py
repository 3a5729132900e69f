"""Listening for sandboxes: a Unix socket for each, in the folder that is mounted into it."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from bunkhouse.sandboxes.sockets import to_bind

SCOPE_KEY = "bunkhouse.sandbox"
"""In a request's scope: the sandbox at whose socket it came in."""

_BACKLOG = 512


class _Server(uvicorn.Server):
    """One of many in this process; signals are for the hub's main server."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


class Listener:
    """Serves one application at the sockets of all sandboxes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._servers: dict[str, tuple[_Server, asyncio.Task[None]]] = {}

    async def open(self, sandbox_id: str, session_id: str, run_dir: Path) -> None:
        """Listen at `run_dir/hub.sock`; nothing happens if that is so already."""
        del session_id
        if sandbox_id in self._servers:
            return
        listening = _bind(run_dir / "hub.sock")
        config = uvicorn.Config(
            self._at(sandbox_id),
            lifespan="off",
            log_config=None,
            access_log=False,
            ws_per_message_deflate=False,
            ws_ping_interval=None,  # a pong would wait behind bytes that somebody reads slowly
            timeout_graceful_shutdown=1,
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]), name=f"door {sandbox_id}")
        self._servers[sandbox_id] = (server, task)

    async def close(self, sandbox_id: str) -> None:
        """Stop listening; nothing happens if that is so already."""
        server, task = self._servers.pop(sandbox_id, (None, None))
        if server is not None and task is not None:
            server.should_exit = True
            await asyncio.gather(task, return_exceptions=True)

    async def close_all(self) -> None:
        """Stop listening everywhere: the hub ends."""
        await asyncio.gather(*(self.close(sandbox_id) for sandbox_id in list(self._servers)))

    def _at(self, sandbox_id: str) -> ASGIApp:
        async def here(scope: Scope, receive: Receive, send: Send) -> None:
            await self._app({**scope, SCOPE_KEY: sandbox_id}, receive, send)

        return here


def _bind(path: Path) -> socket.socket:
    """A listening socket that whoever is in the folder may connect to; it takes an old one's place.

    The folder's parent is the hub's alone, so on this machine only the sandbox gets there.
    """
    with suppress(FileNotFoundError):
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with to_bind(path) as short:
        listening.bind(short)
        Path(short).chmod(0o666)
    listening.listen(_BACKLOG)
    listening.setblocking(False)
    return listening
