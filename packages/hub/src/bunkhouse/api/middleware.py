"""What holds for every answer and every request: headers, and the size of what is sent."""

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bunkhouse.api.problems import problem

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",  # addresses may hold a one-time link
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}
_DOORS = "/sandbox/"

RENEWED = "bunkhouse.renewed_cookie"
"""Key in a request's scope: a list, for the `Set-Cookie` with which its browser's secret is
replaced."""


class SecurityHeaders:
    """Adds what browsers need to be told. An answer that says otherwise itself is left so."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        if scope["type"] != "http" or scope["path"].startswith(_DOORS):
            await self._app(scope, receive, send)
            return

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, adding)


class RenewedCookie:
    """Gives a browser the secret that takes the place of its own, with whatever is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        pending: list[str] = []
        scope[RENEWED] = pending

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start" and pending:
                headers = MutableHeaders(scope=message)
                name = pending[0].partition("=")[0]
                set_already = headers.getlist("set-cookie")
                if not any(each.partition("=")[0] == name for each in set_already):
                    headers.append("set-cookie", pending[0])
            await send(message)

        await self._app(scope, receive, adding)


class BodyLimit:
    """Refuses bodies above `limit` bytes on `/api`; `except_for` and the doors have their own.

    (FastAPI's `max_body_size` answers in plain text, and this API answers in problem details.)
    """

    def __init__(self, app: ASGIApp, limit: int, except_for: Collection[str]) -> None:
        self._app = app
        self._limit = limit
        self._except_for = except_for

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        path: str = scope.get("path", "")
        if scope["type"] != "http" or path.startswith(_DOORS) or path in self._except_for:
            await self._app(scope, receive, send)
            return
        sentence = f"What was sent is larger than {self._limit:,} bytes."
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > self._limit:
            refusal = problem(
                413,
                sentence,
                code="too_large",
                remedy="Send less; prompts are limited by BUNKHOUSE_PROMPT_BYTES.",
            )
            await refusal(scope, receive, send)
            return
        received = 0

        async def counting() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > self._limit:
                    # The one error that FastAPI lets through while it reads a body.
                    raise HTTPException(413, sentence)
            return message

        await self._app(scope, counting, send)
