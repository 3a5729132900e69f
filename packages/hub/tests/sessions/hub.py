"""A hub without an API: the reconciler and its helpers on a provider in memory and real sockets."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidMessage

from bunkhouse.broker.listener import Listener
from bunkhouse.sandboxes.fake import FakeProvider
from bunkhouse.sandboxes.provider import SandboxProvider, SandboxSpec
from bunkhouse.sandboxes.readiness import Readiness
from bunkhouse.sessions import Knocking
from bunkhouse.sessions.attaching import Attaching
from bunkhouse.sessions.deleting import Retention
from bunkhouse.sessions.dozing import Dozing
from bunkhouse.sessions.forking import Forking
from bunkhouse.sessions.keeping import Keeper
from bunkhouse.sessions.reaching import Reaching
from bunkhouse.sessions.reconciler import Reconciler
from bunkhouse.sessions.starting import Starter
from bunkhouse.sessions.usage import Usage
from bunkhouse_protocol.events import AgentMessageChunk, Event, StateChanged, TurnEnded
from bunkhouse_protocol.link import (
    DOWN,
    CommandFrame,
    EventFrame,
    Hello,
    PromptCommand,
    Ready,
    Received,
)

from ..conftest import Room

IMAGE = "image:1"


class Images:
    """Says what the test sets."""

    def __init__(self) -> None:
        self.now = Readiness(IMAGE, None)

    async def readiness(self) -> Readiness:
        return self.now


class Door:
    """Where one sandbox dials, and when a hub began to listen there."""

    def __init__(self) -> None:
        self.opened = 0
        self._changed = asyncio.Condition()

    async def open(self) -> None:
        """Say that a hub listens."""
        async with self._changed:
            self.opened += 1
            self._changed.notify_all()

    async def opened_since(self, opened: int) -> None:
        """Until one began to listen after so many did."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.opened > opened)


DOORS: defaultdict[Path, Door] = defaultdict(Door)
"""By the folders of sandboxes, which outlive the hub that made them."""


class TellingListener(Listener):
    """Tells runners of this process that it listens."""

    async def open(self, sandbox_id: str, session_id: str, run_dir: Path) -> None:
        await super().open(sandbox_id, session_id, run_dir)
        await DOORS[run_dir].open()


@asynccontextmanager
async def dialled(
    spec: SandboxSpec, spool_id: str = "kept", *, rewinds: bool = False
) -> AsyncGenerator[ClientConnection]:
    """A runner's link to the hub, which it has greeted."""
    assert spec.run_dir is not None
    async with unix_connect(
        str(spec.run_dir / "hub.sock"),
        "ws://hub/sandbox/link",
        additional_headers={"authorization": f"Bearer {spec.token}"},
    ) as link:
        await link.send(Hello(spool_id=spool_id, rewinds=rewinds).model_dump_json())
        yield link


async def honest(spec: SandboxSpec) -> int | None:
    """A runner that sets up at once and answers every prompt; `wait` in it never ends."""
    assert spec.run_dir is not None
    door = DOORS[spec.run_dir]
    while True:
        opened, welcomed = door.opened, False
        with suppress(ConnectionClosed, InvalidMessage, OSError):
            async with dialled(spec, uuid4().hex, rewinds=True) as hub:
                spoken = 0
                await hub.send(Ready(ok=True).model_dump_json())
                async for message in hub:
                    welcomed = True
                    frame = DOWN.validate_json(message)
                    if not isinstance(frame, CommandFrame):
                        continue
                    await hub.send(Received(id=frame.id).model_dump_json())
                    if not isinstance(frame.command, PromptCommand):
                        continue
                    turn = frame.command.turn_id
                    said: list[Event] = [AgentMessageChunk(message_id=turn, text="yes")]
                    if "wait" not in frame.command.text:
                        said.append(TurnEnded(turn_id=turn, outcome="done"))
                    for event in said:
                        spoken += 1
                        await hub.send(EventFrame(n=spoken, event=event).model_dump_json())
        # A hub that let it in is dialled anew at once, as a runner does; where none did, the next.
        if not welcomed:
            await door.opened_since(opened)


class Watched(FakeProvider):
    """Tells when a sandbox was destroyed."""

    def __init__(self) -> None:
        super().__init__(honest)
        self.destroyed: asyncio.Queue[str] = asyncio.Queue()

    async def destroy(self, sandbox_id: str) -> None:
        await super().destroy(sandbox_id)
        self.destroyed.put_nowait(sandbox_id)


@asynccontextmanager
async def hub(
    room: Room,
    provider: SandboxProvider,
    images: Images | None = None,
    *,
    usage: Usage | None = None,
    forking: Forking | None = None,
    clock: Callable[[], float] = time.time,
) -> AsyncGenerator[None]:
    knocking = Knocking(room.journal)

    async def link(websocket: WebSocket) -> None:
        token = websocket.headers["authorization"].removeprefix("Bearer ")
        identity = await knocking.sandbox_for_token(token)
        assert identity is not None
        await room.links.serve(websocket, identity.session_id)

    listener = TellingListener(Starlette(routes=[WebSocketRoute("/sandbox/link", link)]))
    starter = Starter(room.journal, room.links, provider, listener, room.settings)
    reaching = Reaching(room.journal, room.links, room.settings)
    attaching = Attaching.of(room.settings)
    reconciler = Reconciler(
        room.journal,
        provider,
        starter,
        images or Images(),
        room.settings,
        keeper=Keeper(room.journal, provider, starter, room.settings),
        dozing=Dozing(room.journal, reaching, usage or Usage(clock), room.settings, clock=clock),
        forking=forking,
        blobs=attaching.blobs,
        retention=Retention(
            room.journal, room.settings, blobs=attaching.blobs, uploads=attaching.uploads
        ),
    )
    task = asyncio.create_task(reconciler.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await listener.close_all()


async def until(room: Room, session_id: str, seen: Callable[[list[Event]], bool]) -> list[Event]:
    """The log, as soon as it satisfies the condition."""
    log: list[Event] = []
    async with asyncio.timeout(20):
        async for batch in room.sessions.follow(session_id):
            log += batch
            if seen(log):
                return log
    raise AssertionError("the log ended")


def ends(count: int, outcome: str = "done") -> Callable[[list[Event]], bool]:
    return lambda log: sum(isinstance(e, TurnEnded) and e.outcome == outcome for e in log) >= count


def in_state(state: str) -> Callable[[list[Event]], bool]:
    return lambda log: any(isinstance(e, StateChanged) and e.state == state for e in log)
