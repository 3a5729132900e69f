"""The web server, so that it stops when it is asked to, whoever still reads a stream."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Generator

import uvicorn
from starlette.types import ASGIApp

_GRACE_SECONDS = 3
"""How long answers that are under way may take when the hub stops."""


class Server(uvicorn.Server):
    """Serves on a socket that listens already, until SIGINT or SIGTERM."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        websockets: type[asyncio.Protocol],
        closing: asyncio.Event,
        started: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                ws=websockets,
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=_GRACE_SECONDS,
                server_header=False,
                ws_ping_interval=None,  # a pong would wait behind bytes that are read slowly
            )
        )
        self._closing = closing
        self._when_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then tell."""
        await super().startup(sockets)
        if self.started:
            await self._when_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End open streams first: the server waits for them."""
        self._closing.set()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to `stopping`: the server would raise them again before we clean up."""
        yield


@contextlib.contextmanager
def stopping(stop: Callable[[], None]) -> Generator[None]:
    """Call `stop` at the first SIGINT or SIGTERM; the second one kills as it always does."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def received() -> None:
        for each in signals:
            loop.remove_signal_handler(each)
        stop()

    for each in signals:
        loop.add_signal_handler(each, received)
    try:
        yield
    finally:
        for each in signals:
            loop.remove_signal_handler(each)
