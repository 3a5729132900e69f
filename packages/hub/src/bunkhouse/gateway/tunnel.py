"""WebSockets between browsers and apps: after the handshake, bytes that nobody here reads.

The server hands a connection over at the handshake. If it is the hub's own it goes to the server's
usual protocol; if it is an app's, this takes the transport for good. Until the app has agreed to
the WebSocket nothing more is passed to it, and if it does not agree the connection is closed:
before us may be a proxy that would send the requests of others on it.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import h11
import structlog
from starlette.datastructures import Headers
from starlette.responses import Response
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from bunkhouse.errors import BunkhouseError, InvalidInput, Misdirected, NotFound, UpstreamFailed
from bunkhouse.gateway import pages
from bunkhouse.gateway.apps import Apps
from bunkhouse.gateway.guard import check_form, check_websocket
from bunkhouse.gateway.headers import Raw, View, to_browser, to_sandbox
from bunkhouse.gateway.origins import Address, Origins
from bunkhouse.gateway.passes import Pass
from bunkhouse.gateway.wire import Wire

_ANSWER_BYTES = 256 * 1024
"""The most of an app's refusal that is passed on."""

_HANDSHAKE_SECONDS = 60.0

_audit = structlog.get_logger("bunkhouse.audit")


def websockets_through(apps: Apps) -> type[asyncio.Protocol]:
    """Make the protocol class for uvicorn's `ws`."""

    class Switch(_Switch):
        _apps = apps

    return Switch


class _Switch(asyncio.Protocol):
    """Reads the handshake that the server passes on, and finds out whose it is."""

    _apps: Apps
    _transport: asyncio.Transport

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any]
    ) -> None:
        self._server = (config, server_state, app_state)
        self._next: asyncio.Protocol | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read the handshake, whole by the server's promise; all after it is the next one's."""
        if self._next is not None:
            self._next.data_received(data)
            return
        request = _request(data)
        if self._is_hubs(request):
            config, state, app_state = self._server
            self._next = WebSocketsSansIOProtocol(config, state, app_state)
        else:
            self._next = Tunnel(self._apps, request, self._server[1])
        self._next.connection_made(self._transport)
        # The server sets us as the protocol when we return.
        asyncio.get_running_loop().call_soon(self._transport.set_protocol, self._next)
        if isinstance(self._next, WebSocketsSansIOProtocol):
            self._next.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass on."""
        return self._next.eof_received() if self._next else None

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on."""
        if self._next is not None:
            self._next.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass on."""
        if self._next is not None:
            self._next.pause_writing()

    def resume_writing(self) -> None:
        """Pass on."""
        if self._next is not None:
            self._next.resume_writing()

    def _is_hubs(self, request: h11.Request | None) -> bool:
        if request is None or self._apps.origins is None:
            return self._apps.origins is None
        try:
            return _located(self._apps.origins, request, self._transport) is None
        except Misdirected:
            return False


class Tunnel(asyncio.Protocol):
    """One WebSocket of an app, from the browser's side."""

    _near: asyncio.Transport

    def __init__(self, apps: Apps, request: h11.Request | None, state: ServerState) -> None:
        self._apps = apps
        self._request = request
        self._state = state
        self._far: asyncio.Transport | None = None
        self._wire: Wire | None = None
        self._over = asyncio.Event()
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, and let the browser wait."""
        self._near = cast("asyncio.Transport", transport)
        self._near.pause_reading()
        self._state.connections.add(cast("Any", self))
        task = asyncio.get_running_loop().create_task(self._run())
        self._state.tasks.add(task)
        task.add_done_callback(self._state.tasks.discard)

    def shutdown(self) -> None:
        """End, since the hub does."""
        self._drop()

    # ── bytes ────────────────────────────────────────────────────────────────────────────────

    def data_received(self, data: bytes) -> None:
        """Nothing comes before the app has agreed; then this is the app's `write` itself."""

    def pause_writing(self) -> None:
        """The browser is slow: so shall the app be."""
        self._paused = True
        if self._far is not None:
            _pause(self._far)

    def resume_writing(self) -> None:
        """The browser has caught up."""
        self._paused = False
        if self._far is not None:
            _resume(self._far)

    def connection_lost(self, exc: Exception | None) -> None:
        """The browser has gone."""
        self._state.connections.discard(cast("Any", self))
        if self._wire is not None:
            self._wire.abort()
        self._over.set()

    def far_ended(self) -> None:
        """The app has gone; what it said last is still sent."""
        self._near.close()

    def _drop(self) -> None:
        self._near.abort()
        if self._wire is not None:
            self._wire.abort()

    # ── handshake ────────────────────────────────────────────────────────────────────────────

    async def _run(self) -> None:
        try:
            async with asyncio.timeout(_HANDSHAKE_SECONDS):
                request = _present(self._request)
                view, found = await self._allowed(request)
                wire, answer, begun = await self._ask(view, request)
        except (BunkhouseError, TimeoutError, OSError, h11.ProtocolError) as error:
            refusal = error if isinstance(error, BunkhouseError) else _silent()
            if refusal.status == 403:
                _audit.warning("refused at an app", reason=refusal.reason, websocket=True)
            status = 502 if refusal.status == 409 else refusal.status
            self._near.write(_plain(pages.told(refusal, status)))
            self._near.close()
            return
        if self._near.is_closing():
            return
        self._near.write(answer)
        if not begun:
            self._near.close()
            return
        with self._apps.held(found, self._drop):
            self._join(wire)
            await self._over.wait()

    async def _allowed(self, request: h11.Request) -> tuple[View, Pass]:
        origins = self._apps.origins
        if origins is None:
            raise NotFound("There is nothing at this address.")
        address = _located(origins, request, self._near)
        raw = list(request.headers)
        headers = Headers(raw=raw)
        if address is None or request.method != b"GET":
            raise InvalidInput("This is no handshake of a WebSocket.", code="bad_request")
        check_form("GET", request.target.decode("latin-1"), headers)
        found = await self._apps.authorise(raw, address)
        check_websocket(headers, origins, address)
        origin = origins.origin_of(address)
        if origin is None or request.target.startswith(b"/.bunkhouse/"):
            raise NotFound("There is nothing at this address.")
        return View(origins, address, origin), found

    async def _ask(self, view: View, handshake: h11.Request) -> tuple[Wire, bytes, bool]:
        """Pass the handshake on; gives what to answer, and if the WebSocket has begun."""
        address = view.address
        wire = Wire(*await self._apps.streams.open_stream(address.session, address.app))
        self._wire = wire
        peer = self._near.get_extra_info("peername")
        sent = to_sandbox(view, handshake.headers, peer[0] if peer else None)
        sent += [(b"connection", b"Upgrade"), (b"upgrade", b"websocket")]
        parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=_ANSWER_BYTES)
        request = h11.Request(method=b"GET", target=handshake.target, headers=sent)
        await wire.write(parser.send(request) or b"")
        parser.send(h11.EndOfMessage())
        while True:
            event = await _event(parser, wire)
            if isinstance(event, h11.InformationalResponse) and event.status_code == 101:
                head = _head(view, event)
                head += [(b"connection", b"Upgrade"), (b"upgrade", b"websocket")]
                return wire, _written(101, head) + parser.trailing_data[0], True
            if isinstance(event, h11.Response):
                body = await _body(parser, wire)
                head = [each for each in _head(view, event) if each[0] != b"content-length"]
                return wire, _written(event.status_code, _closing(head, body)) + body, False

    def _join(self, wire: Wire) -> None:
        self._far = wire.transport
        self.data_received = self._far.write
        self._near.set_protocol(self)  # some loops look a protocol's method up but here
        rest = wire.release(_Far(self, self._near))
        self._near.write(rest)
        if wire.ended or self._far.is_closing():
            self._near.close()
        elif self._paused:
            _pause(self._far)
        _resume(self._near)


class _Far(asyncio.Protocol):
    """The same from the app's side."""

    def __init__(self, tunnel: Tunnel, near: asyncio.Transport) -> None:
        self._tunnel = tunnel
        self.data_received: Callable[[bytes], None] = near.write  # pyright: ignore[reportIncompatibleMethodOverride] - no call in between
        self._near = near

    def pause_writing(self) -> None:
        """The app is slow: so shall the browser be."""
        _pause(self._near)

    def resume_writing(self) -> None:
        """The app has caught up."""
        _resume(self._near)

    def connection_lost(self, exc: Exception | None) -> None:
        """The app has gone."""
        self._tunnel.far_ended()


def _located(
    origins: Origins, request: h11.Request, transport: asyncio.Transport
) -> Address | None:
    own: Any = transport.get_extra_info("sockname")
    host = Headers(raw=list(request.headers)).get("host")
    return origins.locate(host, cast("tuple[str, int]", own)[1] if isinstance(own, tuple) else 0)


def _present(request: h11.Request | None) -> h11.Request:
    if request is None:
        raise InvalidInput("This is no handshake of a WebSocket.", code="bad_request")
    return request


def _request(data: bytes) -> h11.Request | None:
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=max(len(data) + 1, 65536))
    try:
        parser.receive_data(data)
        event = parser.next_event()
    except h11.RemoteProtocolError:
        return None
    return event if isinstance(event, h11.Request) else None


async def _event(parser: h11.Connection, wire: Wire) -> object:
    while (event := parser.next_event()) is h11.NEED_DATA:
        parser.receive_data(await wire.read())
    if isinstance(event, h11.ConnectionClosed):
        raise ConnectionResetError("The sandbox closed the connection.")
    return event


async def _body(parser: h11.Connection, wire: Wire) -> bytes:
    """Give the body of a refusal, its first part if it is long."""
    body = bytearray()
    while len(body) < _ANSWER_BYTES:
        event = await _event(parser, wire)
        if not isinstance(event, h11.Data):
            break
        body += event.data
    return bytes(body[:_ANSWER_BYTES])


def _head(view: View, event: h11.Response | h11.InformationalResponse) -> Raw:
    return to_browser(view, [(name.lower(), value) for name, value in event.headers])


def _closing(head: Raw, body: bytes) -> Raw:
    return [*head, (b"content-length", str(len(body)).encode()), (b"connection", b"close")]


def _plain(response: Response) -> bytes:
    """An answer of ours as bytes, after which the connection ends."""
    head = [each for each in response.raw_headers if each[0] != b"content-length"]
    body = bytes(response.body)
    return _written(response.status_code, _closing(head, body)) + body


def _written(status: int, head: Raw) -> bytes:
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in head)
    return b"HTTP/1.1 %d \r\n" % status + lines + b"\r\n"


def _silent() -> UpstreamFailed:
    return UpstreamFailed("What listens there does not answer.", code="bad_gateway")


def _pause(transport: asyncio.Transport) -> None:
    if not transport.is_closing():
        transport.pause_reading()


def _resume(transport: asyncio.Transport) -> None:
    if not transport.is_closing():
        transport.resume_reading()
