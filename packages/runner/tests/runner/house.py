"""A whole runner: its sandbox's places, an agent that plays along, and the hub that it dials."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bunkhouse_protocol.events import (
    Stage,
    TurnEnded,
    WorkspaceChanged,
)
from bunkhouse_protocol.link import (
    PromptCommand,
    Repository,
    SessionSpec,
)
from bunkhouse_runner.agents.base import AgentContext
from bunkhouse_runner.hub import Hub
from bunkhouse_runner.processes import Account
from bunkhouse_runner.runner import Places, Runner
from bunkhouse_runner.surroundings import Bare, MakeSurroundings

from .conftest import Doors
from .fake_agent import FakeAgent
from .fake_hub import TOKEN, FakeHub, session
from .git_door import GitDoor


@asynccontextmanager
async def nothing_beside(_hub: Hub) -> AsyncGenerator[None]:
    yield


def spec(branch: str | None = None) -> SessionSpec:
    where = Repository(url="https://example.org/hello", door="example.org/hello", branch=branch)
    return session(repository=where)


class Clock:
    """Stands still until a test moves it, and tells when it was looked at."""

    def __init__(self) -> None:
        self.now = 0.0
        self._looks = 0
        self._looked = asyncio.Event()

    def __call__(self) -> float:
        self._looks += 1
        self._looked.set()
        return self.now

    async def looked_at(self, times: int) -> None:
        """Wait until it was looked at so often from now on."""
        due = self._looks + times
        async with asyncio.timeout(60):
            while self._looks < due:
                self._looked.clear()
                await self._looked.wait()


class House:
    """A runner with its sandbox's places, and the hub that it dials."""

    def __init__(self, room: Path, door: GitDoor, doors: Doors) -> None:
        self.room = room
        self.hub = FakeHub(spec())
        self.agents: list[FakeAgent] = []
        self.prepare: Callable[[FakeAgent], None] = lambda agent: None
        self.door = door
        self._doors = doors
        self.more: list[Route] = []
        self.clock = Clock()
        self.surroundings: MakeSurroundings = Bare
        (room / "run").mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port: int = free.getsockname()[1]
        (room / "home").mkdir(exist_ok=True)

    @property
    def agent(self) -> FakeAgent:
        return self.agents[-1]

    def serve(self) -> AbstractAsyncContextManager[None]:
        async def link(websocket: WebSocket) -> None:
            assert websocket.headers["authorization"] == f"Bearer {TOKEN}"
            await websocket.accept()
            with suppress(WebSocketDisconnect):
                await self.hub.converse(websocket.receive_text, websocket.send_text, lambda: None)

        route = WebSocketRoute("/sandbox/link", link)
        socket_path = self.room / "run" / "hub.sock"
        return self._doors.serve(socket_path, route, *self.door.routes(), *self.more)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Run a runner until the block ends; the files stay for the next."""

        def make(context: AgentContext) -> FakeAgent:
            agent = FakeAgent(context)
            self.prepare(agent)
            self.agents.append(agent)
            return agent

        runner = Runner(
            Hub(token=TOKEN, socket=self.room / "run" / "hub.sock"),
            TOKEN,
            Account.current(self.room / "home"),
            make,
            places=Places(
                state=self.room / "state",
                workspace=self.room / "workspace",
                gateway=self.room / "run" / "gateway.sock",
                streams=self.room / "run" / "streams.sock",
                hub_port=self._port,
            ),
            beside=nothing_beside,
            make_surroundings=self.surroundings,
            clock=self.clock,
        )
        task = asyncio.create_task(runner.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled(), task

    async def ready(self, count: int = 1) -> None:
        await self.hub.until(lambda: len(self.hub.ready) >= count)

    async def turn(self, turn_id: str, text: str) -> TurnEnded:
        await self.hub.command(PromptCommand(turn_id=turn_id, text=text, model="demo/demo"))
        return await self.ended(turn_id)

    async def silent_turn(self, turn_id: str, text: str) -> TurnEnded:
        """A turn that is silent for a second once the agent was given the prompt."""
        await self.hub.command(PromptCommand(turn_id=turn_id, text=text, model="demo/demo"))
        await self.agent.prompted.wait()
        self.clock.now += 1.0
        return await self.ended(turn_id)

    async def ended(self, turn_id: str) -> TurnEnded:
        await self.hub.until(lambda: any(turn.turn_id == turn_id for turn in self.turns))
        found = [turn for turn in self.turns if turn.turn_id == turn_id]
        assert len(found) == 1
        return found[0]

    @property
    def turns(self) -> list[TurnEnded]:
        return [event for event in self.hub.stored.events if isinstance(event, TurnEnded)]

    @property
    def changes(self) -> list[WorkspaceChanged]:
        return [event for event in self.hub.stored.events if isinstance(event, WorkspaceChanged)]

    @property
    def stages(self) -> list[tuple[str, str]]:
        events = [event for event in self.hub.stored.events if isinstance(event, Stage)]
        return [(event.name, event.status) for event in events if event.status != "progress"]
