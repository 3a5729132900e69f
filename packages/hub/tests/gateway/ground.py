"""A hub on loopback, served as `bunkhouse serve` does it, with local servers as its sandboxes."""

import asyncio
import contextlib
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx2
from fastapi import FastAPI

from bunkhouse.api.access import COOKIE, Anyone
from bunkhouse.api.problems import on_bunkhouse_error
from bunkhouse.bus.memory import MemoryBus
from bunkhouse.cli.server import Server
from bunkhouse.errors import BunkhouseError, NotListening
from bunkhouse.gateway import Apps, Gateway, enter_router, websockets_through
from bunkhouse.gateway.origins import Address
from bunkhouse.people import Participants, People, Person, Rights, SignedIn
from bunkhouse.settings import Settings
from bunkhouse.store import Database

from ..store.rows import add_session

Serve = Callable[[StreamReader, StreamWriter], Awaitable[None]]
SESSION = "aaaa"
OTHER = "bbbb"
PATIENCE = 90


@dataclass
class Sandboxes:
    """Local servers by session and target."""

    servers: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])

    async def open_stream(self, session_id: str, target: str) -> tuple[StreamReader, StreamWriter]:
        port = self.servers.get((session_id, target))
        if port is None:
            raise NotListening(f"Nothing listens on port {target}.")
        return await asyncio.open_connection("127.0.0.1", port)


@dataclass
class Ground:
    """The hub at `port`, and a person who is signed in there."""

    port: int
    apps: Apps
    people: People
    rights: Rights
    participants: Participants
    database: Database
    sandboxes: Sandboxes
    signed_in: SignedIn
    person: Person
    stack: contextlib.AsyncExitStack
    ports: list[int]

    @property
    def hub(self) -> str:
        return f"http://bunkhouse.localhost:{self.port}"

    async def serve(self, app: Serve, target: str = "5173", session: str = SESSION) -> int:
        """Let a server of raw connections listen in a sandbox; gives its real port."""

        async def run(reader: StreamReader, writer: StreamWriter) -> None:
            try:
                with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                    await app(reader, writer)
            finally:
                writer.close()

        server = await asyncio.start_server(run, "127.0.0.1", 0)
        self.stack.callback(server.close)
        port: int = server.sockets[0].getsockname()[1]
        self.sandboxes.servers[session, target] = port
        return port

    def client(self) -> httpx2.AsyncClient:
        """A client for any host name, that keeps no cookies by itself."""
        return httpx2.AsyncClient(timeout=PATIENCE, trust_env=False)

    async def cookie(
        self, app: str = "5173", session: str = SESSION, person: Person | None = None
    ) -> str:
        """Enter, and give the cookie as it is to be sent."""
        view = await self.apps.view(person or self.person, session, app)
        parts = urlsplit(view.url)
        async with self.client() as client:
            entered = await client.get(
                f"http://127.0.0.1:{parts.port}{parts.path}?{parts.query}",
                headers={"Host": parts.netloc},
            )
        assert entered.status_code == 303, entered.text
        return entered.headers["set-cookie"].partition(";")[0]

    def origin(self, app: str = "5173", session: str = SESSION) -> str:
        assert self.apps.origins is not None
        origin = self.apps.origins.origin_of(Address(session, app))
        assert origin is not None
        return origin

    async def ask(
        self,
        path: str = "/",
        *,
        app: str = "5173",
        session: str = SESSION,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        cookie: str | None = None,
    ) -> httpx2.Response:
        """Ask at an app's origin, with a good cookie unless one is given."""
        if cookie is None:
            cookie = await self.cookie(app, session)
        parts = urlsplit(self.origin(app, session))
        sent = {"Host": parts.netloc, "Cookie": cookie, **(headers or {})}
        async with self.client() as client:
            return await client.request(
                method, f"http://127.0.0.1:{parts.port}{path}", headers=sent, content=content
            )

    async def raw(self, data: bytes, port: int | None = None) -> bytes:
        """Send bytes, and give all that comes until the hub closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port or self.port)
        writer.write(data)
        async with asyncio.timeout(PATIENCE):
            answer = await reader.read()
        writer.close()
        return answer


@contextlib.asynccontextmanager
async def ground(
    settings: Settings,
) -> AsyncGenerator[Ground]:
    """Serve until the block ends."""
    async with contextlib.AsyncExitStack() as stack:
        database = await Database.open(settings.database_path)
        stack.push_async_callback(database.close)
        bus = MemoryBus()
        people = People(database, bus=bus)
        rights = Rights(database, bus, people)
        signed_in = await people.use_link(await people.sign_in_link())
        person = await people.by_cookie(signed_in.secret)
        assert person is not None
        listening = socket.create_server(("127.0.0.1", 0))
        settings.port = listening.getsockname()[1]
        sandboxes = Sandboxes()
        async with database.write() as tx:
            for session_id in (SESSION, OTHER):
                await add_session(tx, session_id, author_id=person.id, visibility="private")
        apps = Apps(settings, rights, sandboxes)
        further = [socket.create_server(("127.0.0.1", 0)) for _ in apps.ports]
        apps.use_ports([each.getsockname()[1] for each in further])
        watching = asyncio.create_task(rights.run())
        stack.callback(watching.cancel)
        started = asyncio.Event()

        async def announce() -> None:
            started.set()

        server = Server(
            Gateway(apps, _hub(settings, people, rights, apps)),
            websockets=websockets_through(apps),
            closing=asyncio.Event(),
            started=announce,
        )
        serving = asyncio.create_task(server.serve([listening, *further]))
        await started.wait()
        try:
            ports = [each.getsockname()[1] for each in further]
            yield Ground(
                settings.port,
                apps,
                people,
                rights,
                Participants(database, bus),
                database,
                sandboxes,
                signed_in,
                person,
                stack,
                ports,
            )
        finally:
            server.should_exit = True
            await serving


def _hub(settings: Settings, people: People, rights: Rights, apps: Apps) -> FastAPI:
    """As much of the hub's API as these tests ask for."""

    hub = FastAPI()
    hub.exception_handler(BunkhouseError)(on_bunkhouse_error)
    hub.state.services = SimpleNamespace(people=people, rights=rights, settings=settings)

    @hub.get("/api/me")
    async def me(person: Anyone) -> str:
        return person.id

    hub.include_router(enter_router(apps))
    return hub


def hub_cookie(ground: Ground) -> str:
    return f"{COOKIE}={ground.signed_in.secret}"


async def head(reader: StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def answering(status: str, *lines: str, body: bytes = b"") -> Serve:
    """A server that gives the same answer to everything."""

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await head(reader)
        sent = "".join(f"{line}\r\n" for line in lines)
        writer.write(f"HTTP/1.1 {status}\r\n{sent}\r\n".encode() + body)
        await writer.drain()

    return serve


def telling(heard: list[bytes]) -> Serve:
    """A server that notes the heads of requests and answers `ok`."""

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        heard.append(await head(reader))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await writer.drain()

    return serve
