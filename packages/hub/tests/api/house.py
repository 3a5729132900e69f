"""A hub to send real HTTP to: the real API, people, sessions and store, served by a real uvicorn.

What is not there is a container engine: `Runner` speaks as a runner does, straight into the store.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import uvicorn

from bunkhouse.api import Services, create_api
from bunkhouse.api.client import Client
from bunkhouse.api.repository_schemas import Branches, RepositoriesOut, TopicOut
from bunkhouse.api.schemas import (
    EngineStatus,
    ImageStatus,
    ModelOut,
    Models,
    ProviderOut,
    SystemStatus,
)
from bunkhouse.broker.egress import Reach
from bunkhouse.broker.repository_settings import Limits, RepositorySettings
from bunkhouse.bus.presence import MemoryPresence
from bunkhouse.errors import Forbidden
from bunkhouse.forges import GitHubApp
from bunkhouse.people import Directory, Participants, People, Person, Rights
from bunkhouse.people.invites import Invites
from bunkhouse.people.share_links import ShareLinks
from bunkhouse.people.signin import SignIn
from bunkhouse.people.throttle import Throttle
from bunkhouse.sandboxes.fake import FakeProvider
from bunkhouse.sessions import Sessions
from bunkhouse.sessions.attaching import Attaching
from bunkhouse.sessions.commenting import Comments
from bunkhouse.sessions.drivers import Drivers
from bunkhouse.sessions.editor_settings import EditorSettings
from bunkhouse.sessions.environment import Environment
from bunkhouse.sessions.export import Exports
from bunkhouse.sessions.families import Families
from bunkhouse.sessions.forking import Forking
from bunkhouse.sessions.ports import Catalog
from bunkhouse.sessions.reaching import Reaching, Way
from bunkhouse.sessions.rewinders import Rewinders
from bunkhouse.sessions.sleepers import Sleepers
from bunkhouse.vault import Vault, kept_keys

from ..broker.serving import Server
from ..conftest import FakeCatalog, Room


class ReachingInTests(Reaching):
    """The real one, except that a test may say at which sockets a sandbox listens."""

    def __init__(self, room: Room) -> None:
        super().__init__(room.journal, room.links, room.settings)
        self.sockets: dict[Way, dict[str, Path]] = {"gateway": {}, "streams": {}}

    async def socket(self, session_id: str, way: Way) -> Path:
        return self.sockets[way].get(session_id) or await super().socket(session_id, way)


class SessionsWithGateways(Sessions):
    """The real ones, except that a test says at which socket a sandbox listens."""

    gateways: dict[str, Path]
    streams: dict[str, Path]


@dataclass(frozen=True)
class SeenAt:
    url: str
    link: str
    mode: str = "name"
    notice: str | None = None


class MemoryApps:
    """A gateway that lets everybody in, nowhere."""

    async def view(self, person: Person, session_id: str, app: str, path: str) -> SeenAt:
        link = f"http://{app}--{session_id}.localhost:8787{path}"
        return SeenAt(f"{link}?ticket={person.id}", link)


class MemoryModels:
    async def models(self) -> Models:
        return Models(
            items=[ModelOut(id="demo/demo", provider="demo", name="Demo", scripted=True)],
            providers=[ProviderOut(id="demo", name="Demo", enabled=True, how="It is built in.")],
            default="demo/demo",
        )


class MemorySystem:
    def __init__(self) -> None:
        self.image = ImageStatus(state="ready")
        self._changed: set[asyncio.Event] = set()

    def build(self, image: ImageStatus) -> None:
        self.image = image
        for changed in self._changed:
            changed.set()

    async def status(self) -> SystemStatus:
        return SystemStatus(
            version="0",
            engine=EngineStatus(ok=True, name="podman"),
            image=self.image,
            sandboxes=0,
            max_sandboxes=8,
            sample_repository=None,
        )

    async def follow(self) -> AsyncIterator[SystemStatus]:
        changed = asyncio.Event()
        self._changed.add(changed)
        try:
            while True:
                await changed.wait()
                changed.clear()
                yield await self.status()
        finally:
            self._changed.discard(changed)


class MemoryRepositories:
    async def branches(self, repository: str, person: Person) -> Branches:
        if repository.startswith("/") and person.role != "admin":
            raise Forbidden("Only admins may use folders of this machine.")
        if repository == "https://crash.example":
            raise RuntimeError("a secret inside")
        return Branches(default="main", items=["main"])

    async def find(self, text: str, person: Person) -> RepositoriesOut:
        return RepositoriesOut(items=[], forges=[])

    async def issues(self, repository: str, person: Person) -> list[TopicOut]:
        return []

    async def pull_requests(self, repository: str, person: Person) -> list[TopicOut]:
        return []


@dataclass
class House:
    """A hub that listens at `url`, and an admin's token for it."""

    url: str
    room: Room
    services: Services
    sessions: SessionsWithGateways
    editor_settings: EditorSettings
    system: MemorySystem
    people: People
    admin: Person
    token: str
    server: uvicorn.Server

    def client(self, **options: object) -> httpx2.AsyncClient:
        """A client that follows no redirects and has no credentials of its own."""
        return httpx2.AsyncClient(base_url=self.url, timeout=60, trust_env=False)

    def program(self) -> httpx2.AsyncClient:
        """A client with the admin's token."""
        return httpx2.AsyncClient(
            base_url=self.url,
            timeout=60,
            trust_env=False,
            headers={"Authorization": f"Bearer {self.token}"},
        )


@contextlib.asynccontextmanager
async def running_house(
    room: Room, client_folder: Path, *, catalog: Catalog | None = None
) -> AsyncGenerator[House]:
    """Serve until the block ends. `catalog`: in place of the one that knows `/repos` alone."""
    settings = room.settings
    reaching = ReachingInTests(room)
    sessions = SessionsWithGateways(
        room.journal, room.links, catalog or FakeCatalog(), room.specs, settings, reaching=reaching
    )
    sessions.gateways = reaching.sockets["gateway"]
    sessions.streams = reaching.sockets["streams"]
    editor_settings = EditorSettings(room.journal, reaching)
    attaching = Attaching.of(settings)
    people = People(room.database, bus=room.bus, public_links=True)
    rights = Rights(room.database, room.bus, people)
    admin = await people.first_admin()
    _, token = await people.create_token(admin, "tests")
    system = MemorySystem()
    services = Services(
        settings=settings,
        sessions=sessions,
        environment=Environment(reaching, editor_settings),
        drivers=Drivers(room.journal, reaching),
        sleepers=Sleepers(room.journal),
        rewinders=Rewinders(room.journal, room.links),
        forks=Forking(room.journal, FakeProvider(), attaching.blobs, settings),
        families=Families(room.journal),
        exports=Exports(room.journal),
        presence=MemoryPresence(room.bus),
        people=people,
        rights=rights,
        participants=Participants(room.database, room.bus),
        directory=Directory(room.database, room.bus),
        sign_in=SignIn.of(settings, room.database, people),
        invites=Invites.of(settings, room.database, people),
        throttle=Throttle.of(settings),
        share_links=ShareLinks(room.database, room.bus, public=True),
        comments=Comments(room.journal, longest=settings.comment_bytes),
        models=MemoryModels(),
        system=system,
        repositories=MemoryRepositories(),
        apps=MemoryApps(),
        blobs=attaching.blobs,
        uploads=attaching.uploads,
        github_app=GitHubApp(room.database, Vault(kept_keys(settings.data_dir / "vault.key"))),
        repository_settings=RepositorySettings(
            room.journal,
            catalog or FakeCatalog(),
            Limits.of(settings),
            Reach(settings.egress, tuple(settings.egress_allow)),
        ),
    )
    app = create_api(services, client=Client(client_folder))
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=3)
    server = Server(config)
    watching = asyncio.create_task(rights.run())
    serving = asyncio.create_task(server.serve([listening]))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        async with httpx2.AsyncClient(base_url=url, trust_env=False) as client:
            # The socket listens already: this waits until it is served.
            await client.get("/api/health")
        yield House(
            url, room, services, sessions, editor_settings, system, people, admin, token, server
        )
    finally:
        services.closing.set()
        server.should_exit = True
        await serving
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
