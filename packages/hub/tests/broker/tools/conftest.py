"""The tools' door before real sessions on a real store, spoken to as an agent's client does."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from bunkhouse.blobs import Blobs
from bunkhouse.broker.door import Doors
from bunkhouse.broker.listener import Listener
from bunkhouse.broker.tools.door import ToolsDoor
from bunkhouse.broker.tools.work import Rooms
from bunkhouse.errors import SandboxNotRunning
from bunkhouse.forges import Grants
from bunkhouse.people import People, Rights
from bunkhouse.people.identity import Person
from bunkhouse.sessions import Knocking, NewSession
from bunkhouse.sessions.pull_requests import PullRequests
from bunkhouse.sessions.views import SessionView
from bunkhouse.store import people as rows
from bunkhouse.store import sandboxes
from bunkhouse.store.sandboxes import hash_token
from bunkhouse_protocol.events import Event, HubToolCalled
from bunkhouse_protocol.gateway import STDERR, STDOUT, ExecRequest, ExecResult

from ...conftest import KINDS, Room
from ...sessions.runner import Runner
from ..serving import serve

ADA = Person(id="u_ada", name="Ada", role="admin")
BOB = Person(id="u_bob", name="Bob", role="member")
CID = Person(id="u_cid", name="Cid", role="member")


@dataclass
class Answer:
    """What a tool gave back."""

    text: str
    failed: bool


@dataclass
class Agent:
    """Calls tools with the token of one session's sandbox."""

    client: httpx2.AsyncClient
    token: str

    async def post(self, message: dict[str, Any]) -> httpx2.Response:
        return await self.client.post(
            "/sandbox/tools",
            content=json.dumps({"jsonrpc": "2.0", **message}),
            headers={
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/json, text/event-stream",
            },
        )

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a request."""
        answer = await self.post({"id": 1, "method": method, "params": params})
        assert answer.status_code == 200, answer.text
        # What is sent whole, and only when it is known, clients don't wait for long enough.
        assert answer.headers["content-type"].startswith("text/event-stream")
        (line,) = [line for line in answer.text.splitlines() if line.startswith("data: ")]
        return json.loads(line.removeprefix("data: "))

    async def call(self, tool: str, **arguments: Any) -> Answer:
        said = await self.ask("tools/call", name=tool, arguments=arguments)
        result = said["result"]
        (content,) = result["content"]
        return Answer(content["text"], result.get("isError", False))


class OneSandbox:
    """Where the sandbox of every session is reached; nobody, until it runs."""

    path: Path | None = None

    async def socket(self, session_id: str, way: str) -> Path:
        if self.path is None:
            raise SandboxNotRunning("It sleeps.")
        return self.path


@dataclass
class House:
    """A hub as far as the tools reach."""

    room: Room
    rooms: Rooms
    client: httpx2.AsyncClient
    reaching: OneSandbox
    runners: dict[str, Runner] = field(default_factory=dict[str, Runner])

    async def session(
        self, author: Person = ADA, prompt: str | None = "first", **new: Any
    ) -> tuple[SessionView, Agent]:
        """A session with a sandbox; with a prompt, at work on it."""
        view = await self.room.sessions.create(NewSession(prompt=prompt, **new), author)
        return await self.room.sessions.get(view.id), await self.wake(view.id)

    async def wake(self, session_id: str) -> Agent:
        """Give a session that is queued a sandbox, which is ready at once."""
        sandbox_id, token = f"b_{session_id}", f"bht_{session_id}"
        async with self.room.database.write() as tx:
            await sandboxes.add(
                tx,
                sandbox_id=sandbox_id,
                session_id=session_id,
                token_hash=hash_token(token),
                at=datetime.now(UTC),
            )
        async with self.room.journal.change(session_id) as change:
            change.row.sandbox_id = sandbox_id
        self.runners[session_id] = Runner(self.room, session_id)
        await self.runners[session_id].start()
        return Agent(self.client, token)

    async def turn(self, session_id: str) -> str:
        """The turn that runs."""
        log = await self.log(session_id)
        return [event.turn_id for event in log if event.type == "turn_started"][-1]

    async def log(self, session_id: str) -> list[Event]:
        return await self.room.journal.read(session_id)

    async def calls(self, session_id: str) -> list[HubToolCalled]:
        """What the log says of the hub's tools."""
        return [e for e in await self.log(session_id) if isinstance(e, HubToolCalled)]

    async def until(self, session_id: str, kind: str) -> Event:
        """The newest event of a kind, waited for."""
        async with asyncio.timeout(10):
            async for batch in self.room.journal.follow(session_id):
                for event in batch:
                    if event.type == kind:
                        return event
        raise AssertionError(kind)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    # Children are made under locks, which are the store's.
    if metafunc.definition.path.stem == "test_family" and "stores" in metafunc.fixturenames:
        metafunc.parametrize("stores", KINDS, indirect=True, scope="session")


@pytest.fixture
async def house(room: Room, tmp_path: Path) -> AsyncGenerator[House]:
    async with opened(room, tmp_path) as house:
        yield house


@asynccontextmanager
async def opened(
    room: Room, folder: Path, grants: Grants | None = None, **settings: Any
) -> AsyncGenerator[House]:
    """The door of a room, with Ada, Bob and Cid."""
    for name, value in settings.items():
        setattr(room.settings, name, value)
    async with room.database.write() as tx:
        for person in (ADA, BOB, CID):
            assert person.role != "public"
            user = rows.User(person.id, person.name, person.role, datetime.now(UTC))
            await rows.add_user(tx, user)
    people = People(room.database, bus=room.bus)
    reaching = OneSandbox()
    nothing = cast("Any", None)
    rooms = Rooms(
        journal=room.journal,
        sessions=room.sessions,
        pull_requests=PullRequests(
            room.journal, cast("Any", reaching), grants or nothing, room.settings
        ),
        reaching=cast("Any", reaching),
        blobs=Blobs(folder / "blobs", blob_bytes=10_000, session_bytes=100_000),
        people=people,
        rights=Rights(room.database, room.bus, people),
        settings=room.settings,
    )
    door = ToolsDoor(rooms)
    application = Doors(
        knocking=Knocking(room.journal),
        links=room.links,
        dialling=nothing,
        providers=nothing,
        models=nothing,
        git=nothing,
        egress=nothing,
        tools=door,
        blobs=rooms.blobs,
        repository_settings=nothing,
    ).application()
    task = asyncio.create_task(door.run())
    async with AsyncExitStack() as stack:
        stack.callback(task.cancel)
        url = await stack.enter_async_context(serve(application))
        client = httpx2.AsyncClient(base_url=url, trust_env=False, timeout=20)
        yield House(room, rooms, await stack.enter_async_context(client), reaching)
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def sandbox(house: House, short_path: Path, tmp_path: Path) -> AsyncGenerator[Path]:
    """A gateway that runs programs, in a folder."""
    folder = tmp_path / "workspace"
    folder.mkdir()

    async def execute(websocket: WebSocket) -> None:
        await websocket.accept()
        request = ExecRequest.model_validate_json(await websocket.receive_text())
        program = await asyncio.create_subprocess_exec(
            *request.argv,
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await program.communicate()
        for kind, data in ((STDOUT, out), (STDERR, err)):
            if data:
                await websocket.send_bytes(bytes([kind]) + data)
        result = ExecResult(exit_code=program.returncode or 0)
        await websocket.send_text(result.model_dump_json())
        await websocket.close()

    listener = Listener(Starlette(routes=[WebSocketRoute("/exec", execute)]))
    run_dir = short_path / "run"
    run_dir.mkdir()
    await listener.open("b", "s", run_dir)
    house.reaching.path = run_dir / "hub.sock"
    yield folder
    await listener.close_all()
