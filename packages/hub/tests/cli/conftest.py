from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from ..api.house import House, running_house
from ..conftest import Room
from .program import Program


@pytest.fixture
async def house(room: Room, tmp_path: Path) -> AsyncGenerator[House]:
    async with running_house(room, tmp_path / "_client") as house:
        yield house


@pytest.fixture
def program(house: House, tmp_path: Path) -> Program:
    """`bunkhouse`, pointed at the house."""
    return Program({"BUNKHOUSE_URL": house.url, "BUNKHOUSE_TOKEN": house.token}, tmp_path)


@pytest.fixture
def lone(tmp_path: Path) -> Program:
    """`bunkhouse` on a data folder of its own, on a machine without a container engine."""
    return Program(
        {
            "BUNKHOUSE_DATA_DIR": str(tmp_path / "data"),
            "BUNKHOUSE_ENGINE": f"unix://{tmp_path}/none.sock",
            "BUNKHOUSE_PORT": "0",
        },
        tmp_path,
    )
