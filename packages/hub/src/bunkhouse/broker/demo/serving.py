"""The demo model as an HTTP transport and as an ASGI application.

Behind the models door it is a provider like any other: the door's client finds it at an address
that leads nowhere else, so that metering, errors and log are the same as for the real ones. As an
application it stands alone, for trying an agent without a hub.
"""

from collections.abc import AsyncIterator

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bunkhouse.broker.demo.model import Answer, DemoModel
from bunkhouse.broker.demo.wire import BrokenOff
from bunkhouse.broker.passthrough import Download, Passthrough, Upload

DEMO_BASE_URL = "http://demo.invalid/v1"
DEMO_URL_PATTERN = "http://demo.invalid"
"""What the door's client mounts the transport at; `.invalid` never resolves (RFC 6761)."""

_PREFIX = "/v1"


class _Stream(httpx2.AsyncByteStream):
    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._answer.stream:
                yield chunk
        except BrokenOff as error:
            raise httpx2.RemoteProtocolError("The script broke off the stream.") from error


class DemoTransport(httpx2.AsyncBaseTransport):
    """Answers an HTTP client's requests with the demo model."""

    def __init__(self, model: DemoModel) -> None:
        self._model = model

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Called by the client."""
        answer = self._model.answer(
            request.method,
            request.url.path.removeprefix(_PREFIX),
            await request.aread(),
            conversation=str(request.extensions.get("bunkhouse.session", "")),
        )
        return httpx2.Response(
            answer.status,
            headers={"content-type": answer.content_type, **answer.headers},
            stream=_Stream(answer),
            request=request,
        )


def demo_application(model: DemoModel) -> Starlette:
    """The demo model at `/v1/chat/completions` and `/v1/models`, without authentication."""

    async def answer(request: Request) -> Response:
        path = request.url.path.removeprefix(_PREFIX)
        given = model.answer(request.method, path, await request.body())
        headers = {"content-type": given.content_type, **given.headers}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]

        async def exchange(upload: Upload, download: Download) -> None:
            await download.start(given.status, raw)
            try:
                async for chunk in given.stream:
                    await download.write(chunk)
            except BrokenOff:
                return
            await download.finish()

        return Passthrough(exchange, limit=0)

    return Starlette(
        routes=[
            Route("/v1/chat/completions", answer, methods=["POST"]),
            Route("/v1/models", answer, methods=["GET"]),
        ]
    )
