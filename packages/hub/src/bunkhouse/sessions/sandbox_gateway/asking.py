"""One question over HTTP to a sandbox's gateway, and its answer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import httpx2
from pydantic import BaseModel, ValidationError

from bunkhouse.errors import (
    BunkhouseError,
    Conflict,
    NotFound,
    SandboxNotRunning,
    UpstreamFailed,
)
from bunkhouse.sandboxes.sockets import to_connect

_Answer = TypeVar("_Answer", bound=BaseModel)

_KIBIBYTE = 1024


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    trouble: str
    """What is said where the sandbox gives no reason: one sentence."""
    code: str = "sandbox_failed"
    """Of the error, where the sandbox could not do it."""
    body: BaseModel | None = None
    seconds: float = 20.0
    """How long the answer may take."""
    limit: int = 256 * _KIBIBYTE
    """How long the answer may be, in bytes."""
    missing: str = "There is no such thing in the sandbox."
    conflicts: frozenset[str] = frozenset()
    """The sandbox's codes that say that nothing broke: it can't be done as things are."""


class _Refusal(BaseModel):
    """Why the sandbox could not do what it was asked."""

    code: str = ""
    message: str
    remedy: str | None = None
    detail: str | None = None


async def ask(socket: Path, question: Question, shape: type[_Answer]) -> _Answer:
    """Ask, and understand the answer.

    Raises:
        SandboxNotRunning: nobody listens there.
        NotFound: the sandbox has no such thing.
        Conflict: one of those that the question knows.
        UpstreamFailed: it could not do it, or its answer is none.
    """
    status, content = await _send(socket, question)
    if status != 200:
        raise _refused(question, status, content)
    try:
        return shape.model_validate_json(content)
    except ValidationError as error:
        raise UpstreamFailed(question.trouble, code=question.code) from error


async def tell(socket: Path, question: Question) -> None:
    """Ask for something that has no answer; raises what `ask` does."""
    status, content = await _send(socket, question)
    if status not in (200, 204):
        raise _refused(question, status, content)


async def _send(socket: Path, question: Question) -> tuple[int, bytes]:
    body = None if question.body is None else question.body.model_dump_json()
    headers = {"Content-Type": "application/json"} if body else {}
    content = bytearray()
    try:
        with to_connect(socket) as path:
            transport = httpx2.AsyncHTTPTransport(uds=path)
            client = httpx2.AsyncClient(transport=transport, timeout=question.seconds)
            url = f"http://sandbox{question.path}"
            async with (
                client,
                client.stream(question.method, url, content=body, headers=headers) as answer,
            ):
                async for chunk in answer.aiter_bytes():
                    content += chunk
                    if len(content) > question.limit:
                        raise UpstreamFailed(question.trouble, code=question.code)
                return answer.status_code, bytes(content)
    except (httpx2.ConnectError, OSError) as error:
        raise closed() from error
    except httpx2.HTTPError as error:
        raise UpstreamFailed(
            question.trouble, remedy="Try again in a moment.", code=question.code
        ) from error


def closed() -> SandboxNotRunning:
    """Give the error for a sandbox that does not listen."""
    return SandboxNotRunning(
        "The session's sandbox does not answer.", remedy="Try again in a moment."
    )


def _refused(question: Question, status: int, content: bytes) -> BunkhouseError:
    if status == 404:
        return NotFound(question.missing)
    try:
        said = _Refusal.model_validate_json(content)
    except ValidationError:
        return UpstreamFailed(question.trouble, code=question.code)
    remedy = None if said.remedy is None else said.remedy[:500]
    message = said.message[:500]
    if said.detail:
        message = f"{message}\n{said.detail[:2000]}"
    if said.code in question.conflicts:
        return Conflict(message, remedy=remedy, code=said.code)
    return UpstreamFailed(message, remedy=remedy, code=question.code)
