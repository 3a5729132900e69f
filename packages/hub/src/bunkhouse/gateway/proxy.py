"""The ASGI application before the hub's own: by its Host, each request is the hub's or an app's.

That is decided for each request and not for each connection, since proxies send requests for many
hosts on one.
"""

import asyncio
import contextlib
from functools import partial
from http.cookies import SimpleCookie
from urllib.parse import parse_qs

import structlog
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from bunkhouse.errors import (
    BunkhouseError,
    Forbidden,
    Misdirected,
    NotFound,
    Unauthorized,
    UpstreamFailed,
)
from bunkhouse.gateway import pages
from bunkhouse.gateway.allotted import PortOrigins
from bunkhouse.gateway.apps import ENTER, Apps, clean_path
from bunkhouse.gateway.exchange import Exchange
from bunkhouse.gateway.guard import (
    check_form,
    check_site,
    is_navigation,
    is_preflight,
    same_session,
)
from bunkhouse.gateway.headers import Raw, View, ancestors
from bunkhouse.gateway.origins import EDITOR, Address, Origins
from bunkhouse.gateway.passes import Pass
from bunkhouse.gateway.wire import Wire

_OWN_PATHS = "/.bunkhouse/"
_NOT_THERE = {409: 502}
"""What our rooms call a conflict (no sandbox, nothing listens) is a bad gateway to browsers."""

_audit = structlog.get_logger("bunkhouse.audit")


class Gateway:
    """Stands before `hub`, which gets all that is no app's."""

    def __init__(self, apps: Apps, hub: ASGIApp) -> None:
        self._apps = apps
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, to the hub or into a sandbox."""
        origins = self._apps.origins
        if scope["type"] == "lifespan" or origins is None:
            await self._hub(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            server = scope.get("server")
            address = origins.locate(headers.get("host"), server[1] if server else 0)
        except Misdirected as error:
            await _refuse(scope, receive, send, pages.told(error))
            return
        if address is None:
            await self._hub(scope, receive, send)
        elif scope["type"] == "websocket":
            # They come here only where the server does not hand them over (see `tunnel`).
            await WebSocketClose()(scope, receive, send)
        else:
            await _Request(self._apps, origins, address, (scope, receive, send)).answer()


class _Request:
    """One request at an app's origin."""

    def __init__(
        self,
        apps: Apps,
        origins: Origins,
        address: Address,
        asgi: tuple[Scope, Receive, Send],
    ) -> None:
        self._apps = apps
        self._origins = origins
        self._address = address
        self._asgi = asgi
        self._scope = scope = asgi[0]
        self._headers = Headers(scope=scope)
        self._policy = ancestors(origins, address)
        self._method: str = scope["method"]

    async def answer(self) -> None:
        """Answer it: with our own words, or with the app's."""
        raw_path: bytes = self._scope["raw_path"]
        try:
            check_form(self._method, raw_path.decode("latin-1"), self._headers)
            if raw_path == ENTER.encode():
                response = self._enter()
            elif is_preflight(self._method, self._headers):
                response = self._preflight()
            else:
                await self._authorised(raw_path)
                return
        except BunkhouseError as error:
            response = self._refusal(error)
        await response(*self._asgi)

    async def _authorised(self, raw_path: bytes) -> None:
        found = await self._apps.authorise(self._scope["headers"], self._address)
        check_site(self._method, self._headers, self._origins, self._address)
        if self._origins.shared_host and "service-worker" in self._headers:
            raise Forbidden("A service worker would outlive this port's being this app's.")
        if raw_path.startswith(_OWN_PATHS.encode()):
            if raw_path != pages.READY.encode():
                raise NotFound("There is nothing at this address.")
            await self._connected()
            await Response(status_code=204, headers={"Cache-Control": "no-store"})(*self._asgi)
            return
        await self._proxy(found)

    async def _proxy(self, found: Pass) -> None:
        origin = self._origins.origin_of(self._address)
        if origin is None:
            raise NotFound("There is nothing at this address now.")
        wire = Wire(*await self._stream())
        exchange = Exchange(*self._asgi, wire)
        with self._apps.held(found, wire.abort):
            view = View(self._origins, self._address, origin)
            try:
                await exchange.run(view, partial(self._renewed, found))
            except UpstreamFailed as error:
                await self._refusal(error)(*self._asgi)

    async def _stream(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await self._apps.streams.open_stream(self._address.session, self._address.app)

    # ── our own words ────────────────────────────────────────────────────────────────────────

    def _enter(self) -> Response:
        """Exchange a ticket for a cookie, and go on to the clean address."""
        asked = parse_qs(self._scope["query_string"].decode("latin-1"))
        to = clean_path(asked.get("to", ["/"])[0])
        target = f"{self._origins.origin_of(self._address)}{to}"
        try:
            found = self._apps.redeem(asked.get("ticket", [""])[0], self._address)
        except Unauthorized:
            # From history, perhaps: then there is a cookie, and else the page there goes on.
            return RedirectResponse(target, status_code=303, headers={"Cache-Control": "no-store"})
        answer = RedirectResponse(
            target,
            status_code=303,
            headers={
                "Cache-Control": "no-store",
                "Referrer-Policy": "no-referrer",
                "Content-Security-Policy": self._policy,
                "Set-Cookie": self._cookie(found),
            },
        )
        if isinstance(self._origins, PortOrigins) and self._origins.second_hand(self._address):
            # What the app before it at this port has left in the browser.
            answer.headers["Clear-Site-Data"] = '"cache", "storage"'
        return answer

    def _preflight(self) -> Response:
        """Answer in place of the app: browsers ask without cookie, and so it can't be reached."""
        origin = self._headers.get("origin", "")
        if same_session(origin, self._origins, self._address) is None:
            raise Forbidden("Another site asked for this.", code="cross_origin")
        headers = {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Allow-Methods": self._headers["access-control-request-method"],
            "Vary": "Origin",
        }
        if asked := self._headers.get("access-control-request-headers"):
            headers["Access-Control-Allow-Headers"] = asked
        return Response(status_code=204, headers=headers)

    def _refusal(self, error: BunkhouseError) -> Response:
        status = _NOT_THERE.get(error.status, error.status)
        if error.status == 403:
            _audit.warning(
                "refused at an app",
                session=self._address.session,
                app=self._address.app,
                reason=error.reason,
            )
        if not is_navigation(self._headers) or self._method not in ("GET", "HEAD"):
            return pages.told(error, status)
        if error.status == 401:
            return self._expired()
        if error.status in (409, 502, 503):
            port = None if self._address.app == EDITOR else self._address.app
            return pages.waiting(port, error, status, policy=self._policy)
        return pages.refused(error, policy=self._policy)

    def _expired(self) -> Response:
        """Lead a tab to the hub and back; a frame tells the page around it."""
        origin = self._origins.origin_of(self._address)
        path = self._scope["raw_path"].decode("latin-1")
        query = self._scope["query_string"].decode("latin-1")
        entry = self._apps.entry(f"{origin}{path}{'?' if query else ''}{query}")
        if self._headers.get("sec-fetch-dest") == "document":
            return RedirectResponse(entry, status_code=303, headers={"Cache-Control": "no-store"})
        return pages.expired(entry, self._origins.hubs, policy=self._policy)

    # ── parts ────────────────────────────────────────────────────────────────────────────────

    async def _connected(self) -> None:
        """Raise what stands between us and the app."""
        _, writer = await self._stream()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    def _renewed(self, found: Pass) -> Raw:
        """A new cookie for one that has been in use for a while."""
        if not self._apps.passes.aging(found):
            return []
        fresh = self._apps.passes.issue(found.sign_in, found.address)
        return [(b"set-cookie", self._cookie(fresh).encode())]

    def _cookie(self, found: Pass) -> str:
        name = self._origins.cookie_of(self._address)
        cookie: SimpleCookie = SimpleCookie()
        cookie[name] = self._apps.passes.write(found)
        cookie[name]["path"] = "/"
        cookie[name]["httponly"] = True
        text = cookie.output(header="").strip()
        if not self._origins.secure:
            return f"{text}; SameSite=Lax"
        if self._origins.shared_host:
            return f"{text}; Secure; SameSite=Lax"
        return f"{text}; Secure; SameSite=None; Partitioned"


async def _refuse(scope: Scope, receive: Receive, send: Send, response: Response) -> None:
    if scope["type"] == "websocket":
        await WebSocketClose()(scope, receive, send)
    else:
        await response(scope, receive, send)
