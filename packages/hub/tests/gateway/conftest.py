from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from ..settled import settled
from .ground import Ground, ground


@pytest.fixture
async def place(short_path: Path) -> AsyncGenerator[Ground]:
    """A hub whose apps have names below `bunkhouse.localhost`."""
    settings = settled(data_dir=short_path)
    async with ground(settings) as opened:
        yield opened


@pytest.fixture
async def harbour(short_path: Path) -> AsyncGenerator[Ground]:
    """A hub whose apps have ports."""
    settings = settled(data_dir=short_path, apps_ports="8800-8801")
    async with ground(settings) as opened:
        yield opened
