from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bunkhouse.settings import Settings

from .ground import Ground, ground


@pytest.fixture
async def place(short_path: Path) -> AsyncGenerator[Ground]:
    """A hub whose apps have names below `bunkhouse.localhost`."""
    settings = Settings(data_dir=short_path, _env_file=None)  # pyright: ignore[reportCallIssue]
    async with ground(settings) as opened:
        yield opened


@pytest.fixture
async def harbour(short_path: Path) -> AsyncGenerator[Ground]:
    """A hub whose apps have ports."""
    settings = Settings(data_dir=short_path, apps_ports="8800-8801", _env_file=None)  # pyright: ignore[reportCallIssue]
    async with ground(settings) as opened:
        yield opened
