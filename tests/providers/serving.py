"""Serves a fake provider from a thread of its own."""

import contextlib
import socket
import threading
from collections.abc import Generator

import uvicorn
from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:  # signals are the test runner's
        yield


@contextlib.contextmanager
def served(app: ASGIApp, listening: socket.socket) -> Generator[None]:
    """Serve `app` on a socket that listens already, until the block ends."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = _Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def listen() -> tuple[socket.socket, str]:
    """A socket on loopback that takes connections from now on, and its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    return listening, f"http://127.0.0.1:{listening.getsockname()[1]}"
