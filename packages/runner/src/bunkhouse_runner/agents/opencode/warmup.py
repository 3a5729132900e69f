"""A model that answers at once and says nothing, for the first turn of OpenCode's process.

That turn is slow whatever it is about (modules are loaded, tools described). It is spent while the
clone runs, against this endpoint on loopback inside the runner, so that no real model is called.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from typing import Any

_CHUNK: dict[str, Any] = {
    "id": "warmup",
    "object": "chat.completion.chunk",
    "created": 0,
    "model": "warmup",
    "choices": [{"index": 0, "delta": {"content": "ok"}, "finish_reason": None}],
}
_LAST: dict[str, Any] = {
    **_CHUNK,
    "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
_BODY = f"data: {json.dumps(_CHUNK)}\n\ndata: {json.dumps(_LAST)}\n\ndata: [DONE]\n\n".encode()
_HEAD = (
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n"
    f"content-length: {len(_BODY)}\r\n\r\n"
).encode()


@contextlib.asynccontextmanager
async def warm_up_model() -> AsyncGenerator[str]:
    """Serve the model while the context lasts; yields its base URL."""
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ValueError):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (
                int(line.split(b":", 1)[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            ),
            0,
        )
        await reader.readexactly(length)
        writer.write(_HEAD + _BODY)
        await writer.drain()
    writer.close()
