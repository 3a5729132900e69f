"""What is stored of people is tested on both stores."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bunkhouse.bus.memory import MemoryBus
from bunkhouse.people import People
from bunkhouse.store import Database, Place

from ..conftest import KINDS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "stores" in metafunc.fixturenames:
        metafunc.parametrize("stores", KINDS, indirect=True, scope="session")


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
async def database(store_place: Place) -> AsyncIterator[Database]:
    opened = await Database.open(store_place)
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
def people(database: Database, clock: Clock, bus: MemoryBus) -> People:
    return People(database, cookie_days=30, link_minutes=60, clock=clock, bus=bus)
