"""One HTTP request and its answer on one stream into a sandbox, both passed on as they come.

What the sandbox answers is read by a strict parser (h11) and framed anew by the hub's own server,
and the stream serves no second request: an answer that lies about its length deceives nobody but
its own reader. Trailers and hints (103) are left out.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import h11
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from bunkhouse.errors import UpstreamFailed
from bunkhouse.gateway.headers import Raw, View, to_browser, to_sandbox
from bunkhouse.gateway.wire import Wire

_HEAD_BYTES = 256 * 1024
_CONTINUE_SECONDS = 1.0
"""How long a sandbox may think about `Expect: 100-continue` before the body is sent anyway."""


class Exchange:
    """One request. `send` and `receive` are those of ASGI."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, wire: Wire) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._wire = wire
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES)
        self._body_wanted = asyncio.Event()
        self._left = False
        self.started = False
        """The browser has been told the head of an answer: nothing else can be said now."""

    async def run(self, view: View, added: Callable[[], Raw]) -> None:
        """Pass both ways until the answer is there. `added`: headers of the hub's, for the answer.

        Raises:
            UpstreamFailed: no answer, or one that is not HTTP; nothing was answered yet.
        """
        up = asyncio.create_task(self._up(view))
        try:
            await self._down(view, added)
        except (OSError, h11.RemoteProtocolError) as error:
            # In the middle of an answer: not to complete it is how the browser learns of it.
            if not self.started and not self._left:
                raise UpstreamFailed(
                    "What listens there closed the connection without an answer, or does not "
                    "speak HTTP.",
                    code="bad_gateway",
                ) from error
        finally:
            up.cancel()
            await asyncio.gather(up, return_exceptions=True)
            self._wire.abort()

    # ── up ───────────────────────────────────────────────────────────────────────────────────

    async def _up(self, view: View) -> None:
        """Send the request, then wait until the browser has gone."""
        headers = Headers(scope=self._scope)
        with suppress(OSError):
            await self._wire.write(self._head(view, headers))
            if headers.get("expect", "").lower() == "100-continue":
                with suppress(TimeoutError):
                    async with asyncio.timeout(_CONTINUE_SECONDS):
                        await self._body_wanted.wait()
            await self._body()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _head(self, view: View, headers: Headers) -> bytes:
        client = self._scope.get("client")
        sent = to_sandbox(view, self._scope["headers"], client[0] if client else None)
        for name in ("content-length", "transfer-encoding"):
            if name in headers:
                sent.append((name.encode(), headers[name].encode("latin-1")))
        sent.append((b"connection", b"close"))
        target: bytes = self._scope["raw_path"]
        if self._scope["query_string"]:
            target += b"?" + self._scope["query_string"]
        request = h11.Request(method=self._scope["method"], target=target, headers=sent)
        return self._parser.send(request) or b""

    async def _body(self) -> None:
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._leave()
                return
            if data := message.get("body", b""):
                await self._wire.write(self._parser.send(h11.Data(data=data)) or b"")
            more = message.get("more_body", False)
        if end := self._parser.send(h11.EndOfMessage()):
            await self._wire.write(end)

    def _leave(self) -> None:
        """The browser has gone: so shall the connection, and nobody is to be told."""
        self._left = True
        self._wire.abort()

    # ── down ─────────────────────────────────────────────────────────────────────────────────

    async def _down(self, view: View, added: Callable[[], Raw]) -> None:
        answer = await self._answer()
        if not 200 <= answer.status_code < 600:
            raise h11.RemoteProtocolError(f"status {answer.status_code}")
        bodiless = self._scope["method"] == "HEAD" or answer.status_code in (204, 304)
        headers = [(name.lower(), value) for name, value in answer.headers]
        length = next((int(v) for name, v in headers if name == b"content-length"), None)
        chunked = any(name == b"transfer-encoding" for name, _ in headers)
        sent = [*to_browser(view, headers), *added()]
        if chunked or answer.status_code in (204, 304):
            sent = [(name, value) for name, value in sent if name != b"content-length"]
        self.started = True
        self._body_wanted.set()
        await self._send(
            {"type": "http.response.start", "status": answer.status_code, "headers": sent}
        )
        if bodiless:
            pass
        elif chunked:
            await self._parsed()
        else:
            await self._plain(length)
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _answer(self) -> h11.Response:
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                return event
            if isinstance(event, h11.InformationalResponse) and event.status_code == 100:
                self._body_wanted.set()

    async def _event(self) -> object:
        while (event := self._parser.next_event()) is h11.NEED_DATA:
            self._parser.receive_data(await self._wire.read())
        if isinstance(event, h11.ConnectionClosed):
            raise ConnectionResetError("The sandbox closed the connection.")
        return event

    async def _parsed(self) -> None:
        """Pass a body on that comes in chunks."""
        while not isinstance(event := await self._event(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                await self._passed_on(bytes(event.data))

    async def _plain(self, length: int | None) -> None:
        """Pass a body on that has a length, or lasts until the end, without parsing it."""
        piece, _ = self._parser.trailing_data
        while length is None or length > 0:
            piece = piece or await self._wire.read()
            if not piece and length is None:
                return
            if not piece:
                raise ConnectionResetError("The sandbox closed the connection.")
            if length is not None:
                piece = piece[:length]
                length -= len(piece)
            await self._passed_on(piece)
            piece = b""

    async def _passed_on(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
