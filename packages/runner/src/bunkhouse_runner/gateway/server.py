"""Serving an application on a Unix socket."""

import asyncio
import contextlib
from collections.abc import Generator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from bunkhouse_runner import sockets

LARGEST_MESSAGE = 1024 * 1024


class Gateway:
    """Serves an application on a Unix socket."""

    def __init__(self, application: Starlette, path: Path) -> None:
        self.path = path
        config = uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            ws_max_size=LARGEST_MESSAGE,
            ws_per_message_deflate=False,
            ws_ping_interval=None,  # a peer that reads slowly answers late, and may
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen. Raises OSError where the socket can't be made."""
        listening = sockets.listen(self.path)
        self._task = asyncio.create_task(self._server.serve([listening]))

    async def stop(self) -> None:
        """Close the socket and what runs through it."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to the runner."""
        yield
