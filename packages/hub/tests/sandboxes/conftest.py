"""What the tests of sandboxes share."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .ground import Engine, Ground, find_ground


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return asyncio.run(find_ground(tmp_path_factory.mktemp("image")))


@pytest.fixture
async def engine(ground: Ground, tmp_path: Path) -> AsyncIterator[Engine]:
    async with ground.engine.address.connect() as docker:
        made = Engine(ground, docker, tmp_path)
        try:
            yield made
        finally:
            for status in await made.provider.list():
                await made.provider.destroy(status.sandbox_id)
            for snapshot in await made.provider.snapshots():
                await made.provider.forget_snapshot(snapshot.snapshot_id)
