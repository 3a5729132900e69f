"""Streams of bytes into a sandbox: to its gateway, and to what listens in it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from bunkhouse.errors import (
    BunkhouseError,
    NotAllowed,
    NotListening,
    ServiceNotRunning,
    UpstreamFailed,
)
from bunkhouse.sandboxes.sockets import to_connect
from bunkhouse.sessions.sandbox_gateway.asking import closed

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_ANSWER_SECONDS = 20.0
_ANSWER_BYTES = 1024
"""Of the sandbox's one line: `ok`, or why not."""


@asynccontextmanager
async def connect(socket: Path) -> AsyncGenerator[Stream]:
    """A byte stream to the gateway.

    Raises:
        SandboxNotRunning: nobody listens there.
    """
    reader, writer = await _dial(socket)
    try:
        yield reader, writer
    finally:
        await _close(writer)


async def open_stream(socket: Path, target: str) -> Stream:
    """A byte stream to `editor`, `desktop` or a port of the sandbox. Who asked closes it.

    Raises:
        SandboxNotRunning: nobody listens at the socket.
        ServiceNotRunning, NotListening, NotAllowed: the sandbox refused.
        UpstreamFailed: its answer is none.
    """
    reader, writer = await _dial(socket)
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            writer.write(f"{target}\n".encode("ascii"))
            await writer.drain()
            answer = await _line(reader)
        if answer != "ok":
            raise _refusal(target, answer)
    except BaseException as error:
        await _close(writer)
        if isinstance(error, TimeoutError):
            raise UpstreamFailed("The sandbox did not answer in time.") from error
        if isinstance(error, OSError | asyncio.IncompleteReadError):
            raise closed() from error
        raise
    return reader, writer


async def _dial(socket: Path) -> Stream:
    try:
        with to_connect(socket) as path:
            return await asyncio.open_unix_connection(path)
    except OSError as error:
        raise closed() from error


async def _line(reader: asyncio.StreamReader) -> str:
    """Read up to the first line's end, and not a byte of what follows."""
    line = bytearray()
    while len(line) <= _ANSWER_BYTES:
        byte = await reader.readexactly(1)
        if byte == b"\n":
            return line.decode(errors="replace")
        line += byte
    raise UpstreamFailed("The sandbox gave no answer.")


def _refusal(target: str, answer: str) -> BunkhouseError:
    _, _, rest = answer.partition(" ")
    code, _, message = rest.partition(" ")
    message = message[:300]
    match code:
        case "not_listening":
            return NotListening(
                f"Nothing listens at port {target} of the sandbox.",
                remedy="Start a server there; it may take a moment until it listens.",
            )
        case "not_running":
            return ServiceNotRunning(f"The {target} does not run.", remedy="Start it first.")
        case "not_allowed":
            return NotAllowed(f"Port {target} of the sandbox can't be reached from outside.")
        case _:
            return UpstreamFailed(message or "The sandbox refused.")


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
