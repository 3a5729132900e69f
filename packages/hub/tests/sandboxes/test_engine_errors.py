"""An engine's words, and the errors that they stand for."""

import asyncio

import aiodocker
import pytest

from bunkhouse.errors import (
    BunkhouseError,
    EngineDown,
    ImageMissing,
    NotFound,
    StorageFull,
    Unavailable,
)
from bunkhouse.sandboxes.engine_errors import engine_errors, is_busy, is_conflict


@pytest.mark.parametrize(
    ("status", "message", "kind", "code"),
    [
        (404, "No such image: bunkhouse/sandbox:x", ImageMissing, "image_missing"),
        (404, "bunkhouse/sandbox:x: image not known", ImageMissing, "image_missing"),
        (500, "write /x: no space left on device", StorageFull, "storage_full"),
        (
            500,
            "creating container storage: could not find enough available IDs",
            Unavailable,
            "engine_refused",
        ),
        (
            500,
            "container c9a does not exist in database: no such container",
            NotFound,
            "not_found",
        ),
        (500, "OCI runtime error: exploded", Unavailable, "engine_refused"),
        (900, "Cannot connect to Docker Engine via unix:///x", EngineDown, "engine_down"),
    ],
)
async def test_words(status: int, message: str, kind: type[BunkhouseError], code: str) -> None:
    with pytest.raises(kind) as caught:
        async with engine_errors(5):
            raise aiodocker.DockerError(status, message)
    assert type(caught.value) is kind
    assert caught.value.reason == code


async def test_no_answer_in_time() -> None:
    with pytest.raises(EngineDown, match="did not answer"):
        async with engine_errors(0):
            await asyncio.Event().wait()


async def test_a_socket_that_nobody_listens_on() -> None:
    with pytest.raises(EngineDown):
        async with engine_errors(5):
            raise ConnectionRefusedError


def test_what_is_so_already() -> None:
    assert is_conflict(aiodocker.DockerError(409, "Conflict"))
    assert is_conflict(aiodocker.DockerError(304, ""))
    assert is_conflict(
        aiodocker.DockerError(500, 'the container name "x" is already in use by "y"')
    )
    assert not is_conflict(aiodocker.DockerError(500, "boom"))
    assert is_busy(aiodocker.DockerError(500, "unlinkat /x/shm: device or resource busy"))
