"""One file of a sandbox, read as the agent's user."""

import asyncio
from pathlib import Path

from pydantic import ValidationError
from websockets.asyncio.client import unix_connect
from websockets.exceptions import WebSocketException

from bunkhouse.errors import InvalidInput, TooLarge, UpstreamFailed
from bunkhouse.sandboxes.sockets import to_connect
from bunkhouse.sessions.sandbox_gateway.asking import closed
from bunkhouse_protocol.gateway import STDOUT, ExecRequest, ExecResult

_SECONDS = 30.0
_MESSAGE_BYTES = 1024 * 1024
_SAID_BYTES = 500
"""Of what the program says where it can't read the file."""


async def read_file(socket: Path, path: str, *, limit: int) -> bytes:
    """The bytes of a file; a path that is not absolute is one of the workspace.

    Raises:
        SandboxNotRunning: nobody listens there.
        InvalidInput: it can't be read, or is no file.
        TooLarge: it has more than `limit` bytes.
        UpstreamFailed: the sandbox's answer is none, or takes too long.
    """
    request = ExecRequest(argv=["head", "-c", str(limit + 1), "--", path])
    try:
        async with asyncio.timeout(_SECONDS):
            data, said, result = await _run(socket, request, limit)
    except (TimeoutError, WebSocketException, ValidationError) as error:
        raise UpstreamFailed(
            "The sandbox did not give the file.", remedy="Try again.", code="file_unreadable"
        ) from error
    except OSError as error:
        raise closed() from error
    if len(data) > limit:
        raise TooLarge(f"The file has more than {limit:,} bytes.")
    if result is None or result.exit_code != 0:
        reason = said.decode(errors="replace").strip()[:_SAID_BYTES]
        raise InvalidInput(
            f"The file can't be read. {reason}".strip(),
            remedy="Give a path that is absolute, or of the workspace.",
            code="file_unreadable",
        )
    return data


async def _run(
    socket: Path, request: ExecRequest, limit: int
) -> tuple[bytes, bytes, ExecResult | None]:
    """What it printed, what it said of errors, and how it ended; None: it did not say."""
    data, said = bytearray(), bytearray()
    with to_connect(socket) as path:
        connecting = unix_connect(path, "ws://sandbox/exec", max_size=_MESSAGE_BYTES)
        async with connecting as sandbox:
            await sandbox.send(request.model_dump_json())
            await sandbox.send('{"eof": true}')
            async for message in sandbox:
                if isinstance(message, str):
                    return bytes(data), bytes(said), ExecResult.model_validate_json(message)
                (data if message[:1] == bytes([STDOUT]) else said).extend(message[1:])
                if len(data) > limit or len(said) > _MESSAGE_BYTES:
                    break
    return bytes(data), bytes(said), None
