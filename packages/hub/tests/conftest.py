"""What tests of the hub share: a real store, a bus, and sessions on them.

Tests run on SQLite; a folder whose tests run on both stores gives `stores` the parameters `KINDS`.
"""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bunkhouse.bus.memory import MemoryBus
from bunkhouse.errors import Forbidden, InvalidInput
from bunkhouse.forges import Topic, TopicKind
from bunkhouse.people.identity import Person
from bunkhouse.sessions import Journal, Links, Sessions, Specs
from bunkhouse.sessions.ports import RepositoryChoice
from bunkhouse.sessions.space import Space
from bunkhouse.settings import Settings
from bunkhouse.store import Database, Place
from bunkhouse_protocol.link import Provider

from .postgres import Server, running_server
from .settled import settled
from .stores import Kind, PostgresStores, SQLiteStores, Stores

KINDS: list[Kind] = ["sqlite", "postgres"]

ADMIN = Person(id="u_admin", name="Ada", role="admin")


class FakeCatalog:
    """Knows the demo model, and repositories under `/repos`."""

    async def repository(self, text: str, person: Person) -> RepositoryChoice:
        if not text.startswith("/repos/"):
            raise InvalidInput(f"{text} is no repository.")
        if person.role != "admin":
            raise Forbidden("Not for you.")
        return RepositoryChoice(shown=text, door=f"local{text}")

    async def topic(
        self, choice: RepositoryChoice, kind: TopicKind, number: int, person: Person
    ) -> Topic:
        raise InvalidInput(f"{choice.shown} is on no forge.", code="no_forge")

    async def has_branch(self, choice: RepositoryChoice, branch: str, person: Person) -> bool:
        return branch == "pushed"

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


@pytest.fixture(scope="session")
def postgres() -> Generator[Server]:
    """One server for all tests of this process."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def stores(request: pytest.FixtureRequest) -> Generator[Stores]:
    """Stores of SQLite; where a folder gives the parameter, of that kind."""
    if getattr(request, "param", "sqlite") == "sqlite":
        with tempfile.TemporaryDirectory(prefix="bh") as folder:
            template = Path(folder) / "template.db"
            asyncio.run(_make_tables(template))
            yield SQLiteStores(template)
        return
    server: Server = request.getfixturevalue("postgres")
    with server.database() as url:
        asyncio.run(_make_tables(url))
        yield PostgresStores(server, url.partition("@/")[2].partition("?")[0])


async def _make_tables(place: Place) -> None:
    database = await Database.open(place)
    await database.close()


@pytest.fixture
def store_place(stores: Stores) -> Generator[Place]:
    """A store of the test's own."""
    with stores.fresh() as place:
        yield place


@pytest.fixture
async def room(short_path: Path, store_place: Place) -> AsyncGenerator[Room]:
    async with opened_room(short_path, store_place) as room:
        yield room


@asynccontextmanager
async def opened_room(data_dir: Path, place: Place) -> AsyncGenerator[Room]:
    """The sessions room on a store, which may have sessions already."""
    url = place if isinstance(place, str) else None
    settings = settled(data_dir=data_dir, database_url=url)
    database = await Database.open(settings.database)
    bus = MemoryBus()
    journal = Journal(database, bus, hold=Space(settings).short)
    catalog = FakeCatalog()
    specs = Specs(database, catalog, settings)
    links = Links(journal, specs, event_bytes=settings.event_bytes)
    sessions = Sessions(journal, links, catalog, specs, settings)
    yield Room(settings, database, bus, journal, specs, links, sessions)
    await database.close()
