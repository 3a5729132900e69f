"""A hub that is strict about the protocol, forgets nothing that it acknowledged, and can be killed.

It keeps what a real hub keeps in its database (`Stored`) apart from what is lost with a connection,
so that tests can break connections and restart it at any point.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.server import ServerConnection, unix_serve
from websockets.exceptions import ConnectionClosed

from bunkhouse_protocol.events import Event
from bunkhouse_protocol.link import (
    UP,
    Ack,
    Command,
    CommandFrame,
    Dial,
    EventFrame,
    Hello,
    Ready,
    Received,
    SessionSpec,
    Welcome,
)

TOKEN = "secret-of-the-sandbox"


def session(**changes: object) -> SessionSpec:
    fields: dict[str, object] = {
        "session_id": "s_1",
        "repository": None,
        "model": "demo/demo",
        "providers": [],
        "author_name": "Ada",
        "author_email": "ada@example.org",
    }
    return SessionSpec.model_validate(fields | changes)


@dataclass
class Stored:
    """What outlives a hub's process."""

    spool_id: str | None = None
    acked: int = 0
    events: list[Event] = field(default_factory=list[Event])
    outbox: dict[str, Command] = field(default_factory=dict[str, Command])
    repeats: int = 0
    """Events that came again, since they were not acknowledged in time."""


Send = Callable[[str], Awaitable[None]]
Receive = Callable[[], Awaitable[str]]


class FakeHub:
    def __init__(self, spec: SessionSpec | None = None) -> None:
        self.stored = Stored()
        self.spec = spec or session()
        self.ready: list[Ready] = []
        self.heard: list[Event | Ready | Received] = []
        """What came, in order, over all connections."""
        self.complaints: list[str] = []
        self.connections = 0
        self.turns: list[str] | None = None
        """The turn that runs by its word; None: it does not say."""
        self.store_chance = 1.0
        """How probable it is that an event is stored at once; else the connection breaks."""
        self.random = random.Random(0)
        self._send: Send | None = None
        self._changed = asyncio.Event()
        self._numbers = 0

    async def until(self, what: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait until something is so; it is asked again whenever something came."""
        async with asyncio.timeout(seconds):
            while not what():
                self._changed.clear()
                await self._changed.wait()

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.stored.events if event.type == kind]

    async def command(self, command: Command, command_id: str | None = None) -> str:
        self._numbers += 1
        command_id = command_id or f"c{self._numbers}"
        self.stored.outbox[command_id] = command
        await self.resend(command_id, command)
        return command_id

    async def resend(self, command_id: str, command: Command) -> None:
        """Send a command (again), whether or not it was received."""
        if self._send is not None:
            await self._send(CommandFrame(id=command_id, command=command).model_dump_json())

    async def dial(self, stream_id: str) -> None:
        assert self._send is not None
        await self._send(Dial(stream_id=stream_id).model_dump_json())

    async def converse(self, receive: Receive, send: Send, drop: Callable[[], None]) -> None:
        """Hold a connection until it breaks."""
        hello = UP.validate_json(await receive())
        if not isinstance(hello, Hello):
            self.complaints.append(f"{hello.frame} came first")
            return
        self.connections += 1
        stored = self.stored
        if stored.spool_id != hello.spool_id:
            stored.spool_id, stored.acked = hello.spool_id, 0
        stored.acked = max(stored.acked, hello.acked)
        welcome = Welcome(acked=stored.acked, session=self.spec, turns=self.turns)
        await send(welcome.model_dump_json())
        self._send = send
        self._changed.set()
        for command_id, command in list(stored.outbox.items()):
            await self.resend(command_id, command)
        last = 0
        try:
            while True:
                frame = UP.validate_json(await receive())
                match frame:
                    case EventFrame(n=n, event=event):
                        if last and n != last + 1:
                            self.complaints.append(f"{n} came after {last}")
                        last = n
                        if self.random.random() >= self.store_chance:
                            drop()
                            return
                        self._store(n, event)
                        if self.random.random() < self.store_chance:
                            await send(Ack(n=stored.acked).model_dump_json())
                    case Received(id=command_id):
                        stored.outbox.pop(command_id, None)
                        self.heard.append(frame)
                    case Ready():
                        self.ready.append(frame)
                        self.heard.append(frame)
                    case Hello():
                        self.complaints.append("hello came twice")
                self._changed.set()
        finally:
            self._send = None
            self._changed.set()

    def _store(self, n: int, event: Event) -> None:
        if n <= self.stored.acked:
            self.stored.repeats += 1
            return
        if n != self.stored.acked + 1:
            self.complaints.append(f"{n} came where {self.stored.acked + 1} was due")
        self.stored.acked = n
        self.stored.events.append(event)
        self.heard.append(event)


@dataclass
class Listening:
    """A hub's process: the connections that die with it."""

    connections: set[ServerConnection] = field(default_factory=set[ServerConnection])
    refuse_with: int | None = None
    """Close code that every connection gets at once."""

    def drop(self) -> None:
        for connection in self.connections:
            connection.transport.abort()


@asynccontextmanager
async def listening(hub: FakeHub, socket: Path) -> AsyncGenerator[Listening]:
    """Serve the link alone, with connections that can be cut without a good-bye."""
    process = Listening()

    async def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        if connection.request.path != "/sandbox/link":
            hub.complaints.append(f"dialled {connection.request.path}")
        if connection.request.headers.get("Authorization") != f"Bearer {TOKEN}":
            hub.complaints.append("no token")
        if process.refuse_with is not None:
            hub.connections += 1
            await connection.close(process.refuse_with)
            return
        process.connections.add(connection)

        async def receive() -> str:
            message = await connection.recv()
            assert isinstance(message, str)
            return message

        try:
            await hub.converse(receive, connection.send, connection.transport.abort)
        except ConnectionClosed:
            pass
        finally:
            process.connections.discard(connection)

    server = await unix_serve(handle, str(socket))
    try:
        yield process
    finally:
        process.drop()
        server.close()
        await server.wait_closed()
        _remove(socket)


def _remove(socket: Path) -> None:
    socket.unlink(missing_ok=True)
