"""What an engine's refusals mean, as errors of `bunkhouse.errors`."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiodocker
import aiohttp

from bunkhouse.errors import (
    BunkhouseError,
    EngineDown,
    ImageMissing,
    NotFound,
    StorageFull,
    Unavailable,
)

NO_CONNECTION = 900
"""What aiodocker gives as the status of an answer that never came."""

_FULL = ("no space left on device", "disk quota exceeded")
_NO_IMAGE = ("no such image", "image not known", "failed to find image")
_NO_CONTAINER = "no such container"
_NO_IDS = ("not enough unused ids", "not enough unused uids", "could not find enough available ids")


def is_absent(error: aiodocker.DockerError) -> bool:
    """There is no such container. Podman says with a 500 that it went in the middle of a call."""
    return error.status == 404 or _NO_CONTAINER in error.message.lower()


def is_conflict(error: aiodocker.DockerError) -> bool:
    """The name is taken, or it is so already. Podman says the former with a 500."""
    return error.status in (304, 409) or "is already in use" in error.message


def is_busy(error: aiodocker.DockerError) -> bool:
    """Somebody else is at it: another caller, or Podman's own clean-up after a container's end,
    which holds its mounts for some moments more. Later it goes, or is gone.
    """
    lower = error.message.lower()
    return "device or resource busy" in lower or "already in progress" in lower


@asynccontextmanager
async def engine_errors(seconds: float | None) -> AsyncGenerator[None]:
    """Put `seconds` as a limit to the calls inside, and raise typed errors for what they raise.

    Raises:
        EngineDown: it does not answer, or not in time.
        ImageMissing, StorageFull, NotFound: it said so.
        Unavailable: it refused for another reason; code `engine_refused`.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except aiodocker.DockerError as error:
        if error.status == NO_CONNECTION:
            raise _down() from error
        raise typed(error.message) from error
    except TimeoutError as error:
        raise EngineDown(
            f"The container engine did not answer within {seconds:.0f} seconds.",
            remedy="The machine may be overloaded; `bunkhouse doctor` looks closer.",
        ) from error
    except (aiohttp.ClientError, OSError) as error:
        raise _down() from error


def _down() -> EngineDown:
    return EngineDown(
        "The container engine does not answer.",
        remedy="Start it again (`make run` does); sessions go on by themselves then.",
    )


def typed(message: str) -> BunkhouseError:
    """The error that an engine's words stand for."""
    lower = message.lower()
    if any(words in lower for words in _FULL):
        return StorageFull(
            "The disk on which the container engine keeps its data is full.",
            remedy="Delete sessions that are done, or make room on that disk.",
        )
    if any(words in lower for words in _NO_IMAGE):
        return ImageMissing(
            "The sandbox image is not there.", remedy="Build it: `bunkhouse image build`."
        )
    if _NO_CONTAINER in lower:
        return NotFound("The sandbox was taken away.")
    if any(words in lower for words in _NO_IDS):
        return Unavailable(
            "The engine has no user ids left for another sandbox.",
            remedy="Delete sessions that are done, or give `containers` a longer range in "
            "/etc/subuid and /etc/subgid (65536 for each sandbox).",
            code="engine_refused",
        )
    return Unavailable(
        f"The container engine refused: {message.strip()[:500]}", code="engine_refused"
    )
