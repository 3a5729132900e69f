from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from ..conftest import KINDS, Room
from .house import House, running_house

_STORED = {"test_sessions_api", "test_streams"}
"""Whose answers come from the store; what the others ask is the same on any."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is stored is served from both stores."""
    if "stores" in metafunc.fixturenames and metafunc.definition.path.stem in _STORED:
        metafunc.parametrize("stores", KINDS, indirect=True, scope="session")


@pytest.fixture
def client_folder(tmp_path: Path) -> Path:
    """Where the built client would be; empty until a test builds one."""
    return tmp_path / "_client"


@pytest.fixture
async def house(room: Room, client_folder: Path) -> AsyncGenerator[House]:
    async with running_house(room, client_folder) as house:
        yield house
