"""The door: MCP over HTTP at a sandbox's socket, each request by itself.

The answer to a request is a stream that is kept alive while the tool works, since clients give a
silent connection up after minutes, and a person may take longer to answer. A client that goes away
breaks its call off.
"""

import asyncio
from typing import cast

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bunkhouse.broker.tools.arguments import schema_of
from bunkhouse.broker.tools.catalog import TOOLS
from bunkhouse.broker.tools.serving import Serving
from bunkhouse.broker.tools.work import Rooms
from bunkhouse.errors import BunkhouseError
from bunkhouse.sessions import asking
from bunkhouse.version import version

_SESSION = "bunkhouse.session"
"""In a request's scope: the session whose sandbox asks."""

_BESIDE_BYTES = 1024 * 1024
"""Of a request, beside a picture in base64."""


class ToolsDoor:
    """Answers the agents of all sessions. `run` must run while it is used."""

    def __init__(self, rooms: Rooms) -> None:
        self.rooms = rooms
        self._serving = Serving(rooms)
        server = Server(
            "bunkhouse",
            version=version(),
            on_list_tools=self._list,
            on_call_tool=self._call,
        )
        self._manager = StreamableHTTPSessionManager(
            server,
            stateless=True,
            max_request_body_size=rooms.blobs.blob_bytes * 4 // 3 + _BESIDE_BYTES,
        )
        self._open = asyncio.Event()

    async def run(self) -> None:
        """Serve until cancelled. Questions of a hub that is no more are ended first."""
        await asking.void_all(self.rooms.journal)
        async with self._manager.run():
            self._open.set()
            await asyncio.Event().wait()

    def answer(self, session_id: str) -> Response:
        """What answers a request of a session's sandbox."""
        return _Conversation(self, session_id)

    async def serve(self, session_id: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._open.wait()
        await self._manager.handle_request({**scope, _SESSION: session_id}, receive, send)

    async def _list(
        self, context: ServerRequestContext, params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=tool.name,
                    description=tool.description,
                    input_schema=schema_of(tool.arguments),
                    annotations=types.ToolAnnotations(read_only_hint=tool.reads),
                )
                for tool in TOOLS
            ]
        )

    async def _call(
        self, context: ServerRequestContext, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        request = cast("Request", context.request)  # no other transport is served here
        session_id: str = request.scope[_SESSION]
        try:
            text = await self._serving.call(session_id, params.name, params.arguments or {})
        except BunkhouseError as error:
            said = types.TextContent(type="text", text=f"{error} ({error.reason})")
            return types.CallToolResult(content=[said], is_error=True)
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)])


class _Conversation(Response):
    """An answer that the MCP library writes."""

    def __init__(self, door: ToolsDoor, session_id: str) -> None:
        super().__init__()
        self._door = door
        self._session_id = session_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._door.serve(self._session_id, scope, receive, send)
