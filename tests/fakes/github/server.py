"""The fake GitHub behind one port."""

import asyncio
import contextlib
import json
import queue
import socket
import threading
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.fakes.github import git
from tests.fakes.github.apps import Apps
from tests.fakes.github.description import Violation, description
from tests.fakes.github.oauth import OAuth
from tests.fakes.github.rest import Call, Refused, Rest
from tests.fakes.github.world import World

_API = "/api/v3"


@dataclass
class FakeGitHub:
    """A GitHub at `url`, and what was asked of it."""

    world: World
    url: str
    oauth: OAuth
    apps: Apps
    asked: list[Request] = field(default_factory=list[Request])
    violations: list[str] = field(default_factory=list[str])
    broken: bool = False
    """Its API has an error of its own."""

    def secrets_seen(self) -> set[str]:
        """Every value of an `Authorization` header that came in."""
        return {each.headers.get("authorization", "") for each in self.asked}


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):  # signals are the test runner's
        yield


@contextlib.asynccontextmanager
async def running(folder: Path, port: int = 0) -> AsyncGenerator[FakeGitHub]:
    """Serve a GitHub whose repositories are in a folder; fails where anything was not as GitHub's.

    `port`: where it was before, to come back there.
    """
    listening = socket.create_server(("127.0.0.1", port))
    world = World(folder)
    oauth = OAuth(world)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    fake = FakeGitHub(world, url, oauth, Apps(world, oauth))
    config = uvicorn.Config(
        _application(fake), lifespan="off", log_config=None, timeout_graceful_shutdown=1
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield fake
    finally:
        server.should_exit = True
        await task
        listening.close()
    assert not fake.violations, "\n".join(fake.violations)


def _application(fake: FakeGitHub) -> Starlette:
    rest = Rest(fake.world, description(), lambda: fake.url, fake.apps.made)

    pages = {
        "/login/oauth/authorize": fake.oauth.authorize,
        "/login/oauth/access_token": fake.oauth.token,
        "/approve": fake.oauth.approve,
    }

    async def every(request: Request) -> Response:
        fake.asked.append(request)
        path = request.url.path
        if git.is_git(path):
            return await git.answer(fake.world, request)
        if not request.headers.get("user-agent"):
            return PlainTextResponse("Request forbidden by administrative rules.", 403)
        if path in pages:
            return await pages[path](request)
        if not path.startswith(f"{_API}/"):
            found = await fake.apps.answer(request)
            return found or PlainTextResponse("Not Found", 404)
        if fake.broken:
            return PlainTextResponse("Unicorn!", 502)
        return await _call(fake, rest, request, path.removeprefix(_API))

    methods = ["GET", "POST", "PATCH", "PUT", "DELETE"]
    return Starlette(routes=[Route("/{path:path}", every, methods=methods)])


async def _call(fake: FakeGitHub, rest: Rest, request: Request, path: str) -> Response:
    operation = description().operation(request.method, path)
    headers: dict[str, str] = {}
    try:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        token = fake.world.who(secret) if scheme.lower() in ("bearer", "token") else None
        if scheme and token is None:
            raise Refused(401, "Bad credentials")
        if operation is None:
            raise Refused(404, "Not Found")
        if token and (until := fake.world.exhausted.get(token.person.login)):
            headers |= {
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": str(int(until.timestamp())),
            }
            raise Refused(403, f"API rate limit exceeded for user ID {token.person.id}.")
        raw = await request.body()
        body: Any = json.loads(raw) if raw else None
        query = dict(request.query_params)
        description().check_request(operation, query, body)
        call = Call(operation, query, body or {}, token, headers)
        status, answer = rest.answer(call)
    except Refused as refused:
        status, answer = refused.status, refused.body
    except Violation as violation:
        fake.violations.append(f"asked: {violation}")
        return PlainTextResponse(str(violation), 500)
    if operation is not None:
        try:
            description().check_answer(operation, status, answer)
        except Violation as violation:
            fake.violations.append(f"answered: {violation}")
            return PlainTextResponse(str(violation), 500)
    return JSONResponse(answer, status, headers)


@contextlib.contextmanager
def in_thread(folder: Path) -> Generator[FakeGitHub]:
    """The same for tests that have no loop of their own: it runs in another thread."""
    made: queue.Queue[FakeGitHub | BaseException] = queue.Queue()
    over = threading.Event()

    async def serve() -> None:
        async with running(folder) as fake:
            made.put(fake)
            await asyncio.to_thread(over.wait)

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            failed.append(error)
            made.put(error)

    failed: list[BaseException] = []
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    fake = made.get()
    if isinstance(fake, BaseException):
        raise fake
    try:
        yield fake
    finally:
        over.set()
        thread.join()
    if failed:
        raise failed[0]
