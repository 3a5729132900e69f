"""The doors as one application, in front of which stands the question whose sandbox is asking.

It is served at each sandbox's socket (`listener`), and under the hub's own address for sandboxes
that have no socket. A sandbox proves itself with its token; at a sandbox's socket no other
sandbox's token is good.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from bunkhouse.blobs import Blobs
from bunkhouse.broker import blobs
from bunkhouse.broker.egress.door import EgressDoor
from bunkhouse.broker.git.door import GitDoor
from bunkhouse.broker.git.pushing import Visitor
from bunkhouse.broker.listener import SCOPE_KEY
from bunkhouse.broker.models.door import ModelsDoor
from bunkhouse.broker.models.providers import Providers
from bunkhouse.broker.repository_settings import RepositorySettings
from bunkhouse.broker.tools.door import ToolsDoor
from bunkhouse.errors import BunkhouseError, NotFound
from bunkhouse.sessions import Knocking, Links, SandboxIdentity
from bunkhouse.sessions.dialling import Dialling
from bunkhouse_protocol.link import CLOSE_UNAUTHORIZED
from bunkhouse_protocol.places import DOORS_PREFIX

_METHODS = ["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True)
class Doors:
    """What a sandbox may reach."""

    knocking: Knocking
    links: Links
    dialling: Dialling
    providers: Providers
    models: ModelsDoor
    git: GitDoor
    egress: EgressDoor
    tools: ToolsDoor
    blobs: Blobs
    repository_settings: RepositorySettings

    def application(self) -> Starlette:
        """The doors as an ASGI application."""
        return Starlette(
            routes=[
                WebSocketRoute(f"{DOORS_PREFIX}/link", self._socket(self._link)),
                WebSocketRoute(f"{DOORS_PREFIX}/egress", self._socket(self._egress)),
                WebSocketRoute(f"{DOORS_PREFIX}/streams/{{stream}}", self._socket(self._stream)),
                Route(
                    f"{DOORS_PREFIX}/egress/refused", self._plain(self._refused), methods=["POST"]
                ),
                Route(
                    f"{DOORS_PREFIX}/models/{{provider}}/{{path:path}}",
                    self._plain(self._models),
                    methods=_METHODS,
                ),
                Route(
                    f"{DOORS_PREFIX}/blobs/{{blob}}",
                    self._plain(self._blob),
                    methods=["GET", "PUT"],
                ),
                Route(f"{DOORS_PREFIX}/settings", self._plain(self._settings), methods=["POST"]),
                Route(f"{DOORS_PREFIX}/tools", self._plain(self._tools), methods=["POST"]),
                Route(
                    f"{DOORS_PREFIX}/git/{{path:path}}", self._plain(self._git), methods=_METHODS
                ),
            ],
        )

    # ── the doors ────────────────────────────────────────────────────────────────────────────

    async def _link(self, websocket: WebSocket, sandbox: SandboxIdentity) -> None:
        await self.links.serve(websocket, sandbox.session_id)

    async def _egress(self, websocket: WebSocket, sandbox: SandboxIdentity) -> None:
        try:
            policy = await self.repository_settings.policy(sandbox.session_id)
        except NotFound:
            await websocket.close(CLOSE_UNAUTHORIZED)
            return
        await self.egress.egress(websocket, sandbox.session_id, policy, self.knocking.note_refused)

    async def _stream(self, websocket: WebSocket, sandbox: SandboxIdentity) -> None:
        await self.dialling.answer(websocket, sandbox.session_id, websocket.path_params["stream"])

    async def _refused(self, request: Request, sandbox: SandboxIdentity) -> Response:
        return await self.egress.refused(request, sandbox.session_id, self.knocking.note_refused)

    async def _models(self, request: Request, sandbox: SandboxIdentity) -> Response:
        context = await self.knocking.context(sandbox.session_id)
        return await self.models.relay(
            request,
            provider=self.providers.get(request.path_params["provider"]),
            path=request.path_params["path"],
            session_id=sandbox.session_id,
            turn_id=context.turn_id,
        )

    async def _git(self, request: Request, sandbox: SandboxIdentity) -> Response:
        context = await self.knocking.context(sandbox.session_id)
        return await self.git.serve(
            request,
            path=request.path_params["path"],
            repository=context.repository,
            visitor=Visitor(
                session_id=context.session_id,
                author_id=context.author_id,
                branch=context.work_branch,
                base_commit=context.base_commit,
                people=partial(self.knocking.people, sandbox.session_id),
            ),
        )

    async def _blob(self, request: Request, sandbox: SandboxIdentity) -> Response:
        serve = blobs.take if request.method == "PUT" else blobs.give
        return await serve(request, self.blobs, sandbox.session_id)

    async def _settings(self, request: Request, sandbox: SandboxIdentity) -> Response:
        return await self.repository_settings.take(request, sandbox.session_id)

    async def _tools(self, request: Request, sandbox: SandboxIdentity) -> Response:
        return self.tools.answer(sandbox.session_id)

    # ── who knocks ───────────────────────────────────────────────────────────────────────────

    async def _identify(self, connection: HTTPConnection) -> SandboxIdentity | None:
        sandbox = None
        for token in _tokens(connection):
            sandbox = sandbox or await self.knocking.sandbox_for_token(token)
        at = connection.scope.get(SCOPE_KEY)
        if sandbox is None or at not in (None, sandbox.sandbox_id):
            return None
        return sandbox

    def _socket(
        self, handler: Callable[[WebSocket, SandboxIdentity], Awaitable[None]]
    ) -> Callable[[WebSocket], Awaitable[None]]:
        async def knock(websocket: WebSocket) -> None:
            sandbox = await self._identify(websocket)
            if sandbox is None:
                # Accepted first, since a close code is lost in a refused handshake.
                await websocket.accept()
                await websocket.close(CLOSE_UNAUTHORIZED, "this token is not valid here")
                return
            await handler(websocket, sandbox)

        return knock

    def _plain(
        self, handler: Callable[[Request, SandboxIdentity], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def knock(request: Request) -> Response:
            sandbox = await self._identify(request)
            if sandbox is None:
                raise HTTPException(401, "This token is not valid here.")
            try:
                return await handler(request, sandbox)
            except BunkhouseError as error:
                said = {"message": str(error), "code": error.reason}
                return JSONResponse({"error": said}, status_code=error.status)

        return knock


def _tokens(connection: HTTPConnection) -> list[str]:
    """Wherever the agents' libraries put what they take for an API key."""
    scheme, _, credential = connection.headers.get("authorization", "").partition(" ")
    found = [
        connection.headers.get("x-api-key", ""),
        connection.headers.get("x-goog-api-key", ""),
        connection.query_params.get("key", ""),
    ]
    if scheme.lower() == "bearer":
        found.append(credential.strip())
    if scheme.lower() == "basic":
        with suppress(binascii.Error, UnicodeDecodeError):
            found.append(base64.b64decode(credential).decode().partition(":")[2])
    return [token for token in found if token]
