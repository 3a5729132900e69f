from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from ..conftest import Room
from .house import House, running_house


@pytest.fixture
def client_folder(tmp_path: Path) -> Path:
    """Where the built client would be; empty until a test builds one."""
    return tmp_path / "_client"


@pytest.fixture
async def house(room: Room, client_folder: Path) -> AsyncGenerator[House]:
    async with running_house(room, client_folder) as house:
        yield house
