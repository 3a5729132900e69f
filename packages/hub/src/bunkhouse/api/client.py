"""The client's files, and its first page for every address that is not the hub's own."""

import base64
import hashlib
import re
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from bunkhouse.api.pages import page

FOLDER = Path(__file__).parent.parent / "_client"
"""Where the build puts the client; part of the wheel."""

_OWN = ("/api", "/sandbox", "/login", "/invite", "/share", "/setup")
_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)


class Client:
    """An ASGI application, asked when no route of the hub matched."""

    def __init__(self, folder: Path = FOLDER, *, frames: str = "'none'") -> None:
        """Serve `folder`; `frames`: the sources of what the page may show in frames."""
        self._folder = folder
        self._frames = frames
        self._files = StaticFiles(directory=folder, check_dir=False)
        self._policy: tuple[float, str] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a file, the first page, or 404."""
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        response = await self._respond(Request(scope), scope)
        await response(scope, receive, send)

    async def _respond(self, request: Request, scope: Scope) -> Response:
        path = request.url.path
        if any(path == own or path.startswith(own + "/") for own in _OWN):
            raise HTTPException(404)
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        index = self._folder / "index.html"
        if not index.is_file():
            return page(
                "The hub is running, its page is not built",
                "The API works. The page is missing from this installation.",
                remedy="In a checkout, `make run` builds it. A wheel brings it along.",
                status=503,
            )
        if path not in ("/", "/index.html"):
            try:
                response = await self._files.get_response(path.lstrip("/"), scope)
            except HTTPException as error:
                # An address of the client's own; a file that is missing stays missing.
                if error.status_code != 404 or "." in path.rsplit("/", 1)[-1]:
                    raise
            else:
                response.headers["Cache-Control"] = (
                    "public, max-age=31536000, immutable"
                    if path.startswith("/assets/")
                    else "no-cache"
                )
                return response
        return FileResponse(
            index,
            headers={
                "Cache-Control": "no-cache",
                "Content-Security-Policy": self._content_security_policy(index),
            },
        )

    def _content_security_policy(self, index: Path) -> str:
        """Allow our own files, and the inline scripts of the first page by their hashes."""
        changed = index.stat().st_mtime
        if self._policy is None or self._policy[0] != changed:
            hashes = " ".join(
                f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"
                for script in _INLINE_SCRIPT.findall(index.read_bytes())
            )
            policy = (
                f"default-src 'none'; script-src 'self' 'wasm-unsafe-eval' {hashes}".rstrip() + "; "
                # Terminals and highlighters place text by inline styles.
                "style-src 'self' 'unsafe-inline'; "
                # No pictures from elsewhere: what an agent writes must not make browsers call out.
                "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' blob:; "
                "connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; "
                f"frame-src {self._frames}; "
                "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
            )
            self._policy = (changed, policy)
        return self._policy[1]
