"""What tests of the hub share: a real store, a bus, and sessions on them."""

import tempfile
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bunkhouse.bus.memory import MemoryBus
from bunkhouse.errors import Forbidden, InvalidInput
from bunkhouse.people.identity import Person
from bunkhouse.sessions import Journal, Links, Sessions, Specs
from bunkhouse.sessions.ports import RepositoryChoice
from bunkhouse.settings import Settings
from bunkhouse.store import Database
from bunkhouse_protocol.link import Provider

ADMIN = Person(id="u_admin", name="Ada", role="admin")


class FakeCatalog:
    """Knows the demo model, and repositories under `/repos`."""

    async def repository(self, text: str, person: Person) -> RepositoryChoice:
        if not text.startswith("/repos/"):
            raise InvalidInput(f"{text} is no repository.")
        if person.role != "admin":
            raise Forbidden("Not for you.")
        return RepositoryChoice(shown=text, door=f"local{text}")

    def model(self, text: str | None) -> str:
        if text not in (None, "demo/demo"):
            raise InvalidInput(f"There is no model {text}.")
        return "demo/demo"

    def providers(self) -> list[Provider]:
        return [Provider(id="demo", dialect="openai", models=["demo"])]


@dataclass
class Room:
    """The sessions room on a store of its own."""

    settings: Settings
    database: Database
    bus: MemoryBus
    journal: Journal
    specs: Specs
    links: Links
    sessions: Sessions


@pytest.fixture
def short_path() -> Generator[Path]:
    """A folder whose sockets any client can dial: `tmp_path` is too deep for that."""
    with tempfile.TemporaryDirectory(prefix="bh") as folder:
        yield Path(folder)


@pytest.fixture
async def room(short_path: Path) -> AsyncGenerator[Room]:
    settings = Settings(data_dir=short_path, _env_file=None)  # pyright: ignore[reportCallIssue]
    database = await Database.open(settings.database_path)
    bus = MemoryBus()
    journal = Journal(database, bus)
    catalog = FakeCatalog()
    specs = Specs(database, catalog)
    links = Links(journal, specs, event_bytes=settings.event_bytes)
    sessions = Sessions(journal, links, catalog, specs, settings)
    yield Room(settings, database, bus, journal, specs, links, sessions)
    await database.close()
