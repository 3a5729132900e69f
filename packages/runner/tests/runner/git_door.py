"""The hub's git door as a test needs it: real `git upload-pack` over smart HTTP, with a token."""

import asyncio
import gzip
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from .fake_hub import TOKEN


@dataclass
class GitDoor:
    """Repositories by their path behind the door."""

    repositories: dict[str, Path] = field(default_factory=dict[str, Path])
    requests: list[str] = field(default_factory=list[str])
    failures: list[Response] = field(default_factory=list[Response])
    """Answers that are given, in order, instead of the right ones."""

    def routes(self) -> list[Route]:
        return [Route("/sandbox/git/{rest:path}", self._answer, methods=["GET", "POST"])]

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set at each request."""

    async def _answer(self, request: Request) -> Response:
        rest: str = request.path_params["rest"]
        self.requests.append(f"{request.method} {rest}")
        self.asked.set()
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return PlainTextResponse("no token", 401)
        if self.failures:
            return self.failures.pop(0)
        info = rest.endswith("/info/refs")
        door = rest.removesuffix("/info/refs").removesuffix("/git-upload-pack")
        repository = self.repositories.get(door)
        if repository is None:
            return PlainTextResponse("there is no such repository behind the door", 404)
        body = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        process = await asyncio.create_subprocess_exec(
            "git", "-c", "safe.directory=*", "upload-pack", "--stateless-rpc",
            *(["--advertise-refs"] if info else []), str(repository),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            env={
                "GIT_PROTOCOL": request.headers.get("git-protocol", ""), "PATH": "/usr/bin:/bin",
                "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory",
                "GIT_CONFIG_VALUE_0": "*",
            },
        )  # fmt: skip
        out, _ = await process.communicate(b"" if info else body)
        if info:
            banner = b"# service=git-upload-pack\n"
            out = b"%04x" % (len(banner) + 4) + banner + b"0000" + out
        kind = "advertisement" if info else "result"
        return Response(out, media_type=f"application/x-git-upload-pack-{kind}")
