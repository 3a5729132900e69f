"""Git's smart HTTP at the fake GitHub, with Basic authentication, by `git http-backend`."""

import base64
import binascii
from contextlib import suppress
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tests.fakes import git_backend
from tests.fakes.github.world import World

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
    response = await git_backend.answer(
        request, repository.folder, service, {"REMOTE_USER": "somebody"}
    )
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
