"""The engine's calls that take a body and answer with lines of JSON while they work.

`aiodocker` has them too, but without the parameters that we need (a build on the host's network).
"""

import asyncio
import io
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, BinaryIO, cast

import aiodocker
import aiohttp

from bunkhouse.sandboxes.engine_errors import engine_errors, is_absent, typed

_PIECE = 256 * 1024
_ASK_SECONDS = 30.0


async def has_image(docker: aiodocker.Docker, reference: str) -> bool:
    """Whether the engine has it, without asking any registry."""
    async with engine_errors(_ASK_SECONDS):
        try:
            await docker.images.inspect(reference)
        except aiodocker.DockerError as error:
            if is_absent(error):
                return False
            raise
    return True


async def stream(
    docker: aiodocker.Docker,
    path: str,
    params: Mapping[str, str],
    body: BinaryIO | bytes | None,
    say: Callable[[str], None],
) -> AsyncGenerator[Mapping[str, Any]]:
    """POST `body` (a tar) and yield each message of the answer; text in it goes to `say`.

    Leaving the loop ends the work. There is no limit of time: the caller sets one.

    Raises:
        EngineDown: the engine, or the connection to it, went away.
        StorageFull, Unavailable: it failed; the message is the engine's.
    """
    file = io.BytesIO(body) if isinstance(body, bytes) else body
    async with (
        engine_errors(None),
        docker.session.post(
            f"{docker.docker_host}/{path}",
            params=params,
            data=None if file is None else _pieces(file),
            headers={"Content-Type": "application/x-tar"},
            timeout=aiohttp.ClientTimeout(total=None),
        ) as response,
    ):
        if response.status >= 400:
            raise aiodocker.DockerError(response.status, _words(await response.text()))
        unfinished = b""
        async for piece in response.content.iter_any():
            *lines, unfinished = (unfinished + piece).split(b"\n")
            for line in lines:
                if line.strip():
                    yield _message(line, say)
        if unfinished.strip():
            yield _message(unfinished, say)


def _message(line: bytes, say: Callable[[str], None]) -> Mapping[str, Any]:
    message: dict[str, Any] = json.loads(line)
    if text := message.get("stream") or message.get("status"):
        for part in str(text).splitlines():
            say(part)
    if error := message.get("error"):
        raise typed(str(error))
    return message


def _words(text: str) -> str:
    try:
        return str(cast("dict[str, object]", json.loads(text))["message"])
    except (ValueError, KeyError, TypeError):
        return text


async def _pieces(file: BinaryIO) -> AsyncGenerator[bytes]:
    while piece := await asyncio.to_thread(file.read, _PIECE):
        yield piece
