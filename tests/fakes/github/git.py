"""Git's smart HTTP at the fake GitHub, with Basic authentication, by `git http-backend`."""

import asyncio
import base64
import binascii
import os
from contextlib import suppress
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tests.fakes.github.world import Repository, World

_SERVICES = ("/info/refs", "/git-upload-pack", "/git-receive-pack")


def is_git(path: str) -> bool:
    """Whether a request is git's."""
    return path.endswith(_SERVICES)


async def answer(world: World, request: Request) -> Response:
    """Answer a request of git's."""
    service = next(each for each in _SERVICES if request.url.path.endswith(each))
    name = request.url.path.removesuffix(service).strip("/").removesuffix(".git").lower()
    pushes = "git-receive-pack" in (service, request.query_params.get("service"), service[1:])
    secret = _password(request)
    token = world.who(secret) if secret is not None else None
    if secret is not None and token is None:
        return _unauthorized("Invalid username or token.")
    repository = world.repositories.get(name)
    seen = repository is not None and (
        token.sees(repository) if token else repository.may(None, "read")
    )
    if repository is None or not seen:
        if token is None:
            return _unauthorized("Authentication required.")
        return PlainTextResponse("Repository not found.\n", 404)
    if pushes and token is None:
        return _unauthorized("Authentication required.")
    if pushes and token and not token.writes(repository):
        return PlainTextResponse(f"Permission to {repository.full_name} denied.\n", 403)
    response = await _backend(repository, service, request)
    if pushes and request.method == "POST":
        repository.pushed_at = datetime.now(UTC)
    return response


def _password(request: Request) -> str | None:
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        return None
    if scheme.lower() == "basic":
        with suppress(binascii.Error, UnicodeDecodeError):
            return base64.b64decode(credential).decode().partition(":")[2]
    return ""


def _unauthorized(said: str) -> Response:
    return PlainTextResponse(f"{said}\n", 401, {"www-authenticate": 'Basic realm="GitHub"'})


async def _backend(repository: Repository, service: str, request: Request) -> Response:
    body = await request.body()
    env = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_PROJECT_ROOT": str(repository.folder),
        "GIT_HTTP_EXPORT_ALL": "1",
        "REMOTE_USER": "somebody",
        "PATH_INFO": service,
        "QUERY_STRING": request.url.query,
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
    }
    process = await asyncio.create_subprocess_exec(
        "git",
        "http-backend",
        env=env,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate(body)
    head, _, content = out.partition(b"\r\n\r\n")
    headers = dict(line.decode().split(": ", 1) for line in head.split(b"\r\n") if b": " in line)
    status = int(headers.pop("Status", "200 OK").split(" ")[0])
    return Response(content, status, headers)
