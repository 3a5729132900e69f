"""Real servers on loopback for tests of the doors."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from dataclasses import dataclass, field

import uvicorn
from starlette.types import ASGIApp


class Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to whoever runs the tests."""
        yield


@contextlib.asynccontextmanager
async def serve(app: ASGIApp) -> AsyncGenerator[str]:
    """Serve an application with uvicorn; yields its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listening.close()


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@dataclass
class Asked:
    """A request as it arrived, to the byte."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    raw: bytes


@dataclass
class Upstream:
    """A server that answers whatever a test writes, and keeps what it was asked."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list[Asked])
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client has left in the middle of an answer."""


Answering = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def upstream(answer: Answering) -> AsyncGenerator[Upstream]:
    """Serve raw HTTP, one request a connection, answered by `answer`."""
    here = Upstream()
    at_work: set[asyncio.Task[None]] = set()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        at_work.add(task)
        try:
            asked = await _read(reader)
            here.asked.append(asked)
            answering = asyncio.ensure_future(answer(asked, writer))
            leaving = asyncio.ensure_future(reader.read())
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                here.gone.set()
                answering.cancel()
            leaving.cancel()
            await asyncio.gather(answering, leaving, return_exceptions=True)
        except (asyncio.IncompleteReadError, ConnectionError):
            here.gone.set()
        finally:
            writer.close()
            at_work.discard(task)

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    here.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield here
    finally:
        server.close()
        for task in list(at_work):
            task.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    body, raw = b"", head
    if headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
    elif length := int(headers.get("content-length", 0)):
        body = await reader.readexactly(length)
    return Asked(method, target, headers, body, raw + body)


def chunked(data: bytes) -> bytes:
    """A chunk of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"transfer-encoding: chunked\r\nx-request-id: req_1\r\nset-cookie: who=me; Path=/\r\n\r\n"
)
CHUNKED_END = b"0\r\n\r\n"


def response(status: str, body: bytes, *headers: str) -> bytes:
    """A whole answer with a JSON body."""
    lines = [f"HTTP/1.1 {status}", "content-type: application/json", *headers]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body
