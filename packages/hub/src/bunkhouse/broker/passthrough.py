"""Answers that pass a stream through: request body up, answer down, nothing kept in between.

A door that relays to somebody else's server has to know at any moment that its client has gone,
also while it waits for the first byte from above; Starlette's `StreamingResponse` notices only
between two chunks. Here the whole exchange happens within the answer, beside a watch on the
client, and is cancelled when the client leaves.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that concern one connection alone (RFC 9110, section 7.6.1)."""

RawHeaders = list[tuple[bytes, bytes]]


class BodyTooLarge(Exception):
    """The client sent more than the door takes."""


class ClientGone(Exception):
    """The client left before its request was whole."""


def end_to_end(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Headers without those of the connection, those that `Connection` names included."""
    kept = [(name.lower(), value) for name, value in headers]
    named = {
        token.strip().lower()
        for name, value in kept
        if name == "connection"
        for token in value.split(",")
    }
    return [(name, value) for name, value in kept if name not in HOP_BY_HOP | named]


class Upload:
    """The request's body as it comes in, up to `limit` bytes."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=4)
        self._wanted = True
        self._gone = False

    async def watch(self) -> None:
        """Read what the client sends; returns when the client has gone."""
        more = True
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._gone = more
                if more:
                    self._unblock()
                return
            if not more:
                continue
            chunk = message.get("body", b"")
            more = message.get("more_body", False)
            if self._wanted and chunk:
                await self._chunks.put(chunk)
            if self._wanted and not more:
                await self._chunks.put(None)

    def discard(self) -> None:
        """The rest of the body is of no interest: let it flow, so that a departure is seen."""
        self._wanted = False
        self._unblock()

    def _unblock(self) -> None:
        while not self._chunks.empty():
            self._chunks.get_nowait()
        self._chunks.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The body's chunks. Raises `BodyTooLarge`, or `ClientGone`."""
        total = 0
        while (chunk := await self._chunks.get()) is not None:
            total += len(chunk)
            if total > self._limit:
                raise BodyTooLarge
            yield chunk
        if self._gone:
            raise ClientGone


class Download:
    """The answer as it goes out. Left without `finish`, the connection is broken off."""

    def __init__(self, send: Send, upload: Upload) -> None:
        self._send = send
        self._upload = upload
        self.started = False
        self.finished = False

    async def start(self, status: int, headers: RawHeaders) -> None:
        """Send the head of the answer."""
        self._upload.discard()
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, chunk: bytes) -> None:
        """Send a piece of the answer; waits while the client is slow."""
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def finish(self) -> None:
        """The answer is whole."""
        self.finished = True
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def whole(self, response: Response) -> None:
        """Send a ready-made answer in place of a stream."""
        await self.start(response.status_code, response.raw_headers)
        await self.write(bytes(response.body))
        await self.finish()


class Passthrough(Response):
    """Runs `exchange(upload, download)` for as long as the client is there.

    An exchange that returns without `download.finish()` breaks the connection off, so that the
    client can tell a part of an answer from a whole one.
    """

    def __init__(
        self, exchange: Callable[[Upload, Download], Awaitable[None]], *, limit: int
    ) -> None:
        super().__init__()
        self._exchange = exchange
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Called by the server."""
        upload = Upload(receive, self._limit)
        download = Download(send, upload)
        exchange = asyncio.ensure_future(self._exchange(upload, download))
        watch = asyncio.ensure_future(upload.watch())
        try:
            await asyncio.wait({exchange, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not exchange.done():
                exchange.cancel()
            await asyncio.wait({exchange})
            if not exchange.cancelled():
                exchange.result()
        finally:
            exchange.cancel()
            watch.cancel()
            await asyncio.gather(exchange, watch, return_exceptions=True)
