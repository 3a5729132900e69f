"""From `queued` to a finished turn and to the end, on a provider in memory and real sockets."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import unix_connect
from websockets.exceptions import ConnectionClosed

from bunkhouse.broker.listener import Listener
from bunkhouse.errors import NotFound
from bunkhouse.sandboxes.fake import FakeProvider
from bunkhouse.sandboxes.provider import SandboxProvider, SandboxSpec
from bunkhouse.sandboxes.readiness import Readiness
from bunkhouse.sessions import Knocking, NewSession
from bunkhouse.sessions.reconciler import Reconciler
from bunkhouse.sessions.starting import Starter
from bunkhouse.store import sandboxes
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

from ..conftest import ADMIN, Room

IMAGE = "image:1"


class Images:
    """Says what the test sets."""

    def __init__(self) -> None:
        self.now = Readiness(IMAGE, None)

    async def readiness(self) -> Readiness:
        return self.now


async def honest(spec: SandboxSpec) -> int | None:
    """A runner that sets up at once and answers every prompt; `wait` in it never ends."""
    assert spec.run_dir is not None
    spoken = 0
    headers = {"authorization": f"Bearer {spec.token}"}
    while True:
        with suppress(ConnectionClosed, OSError):
            async with unix_connect(
                str(spec.run_dir / "hub.sock"), "ws://hub/sandbox/link", additional_headers=headers
            ) as hub:
                hello = Hello(spool_id=f"{spec.sandbox_id}-{id(hub)}")
                await hub.send(hello.model_dump_json())
                spoken = 0
                await hub.send(Ready(ok=True).model_dump_json())
                async for message in hub:
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
        await asyncio.sleep(0.02)


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
    room: Room, provider: SandboxProvider, images: Images | None = None
) -> AsyncGenerator[None]:
    knocking = Knocking(room.journal)

    async def link(websocket: WebSocket) -> None:
        token = websocket.headers["authorization"].removeprefix("Bearer ")
        identity = await knocking.sandbox_for_token(token)
        assert identity is not None
        await room.links.serve(websocket, identity.session_id)

    listener = Listener(Starlette(routes=[WebSocketRoute("/sandbox/link", link)]))
    starter = Starter(room.journal, room.links, provider, listener, room.settings)
    reconciler = Reconciler(room.journal, provider, starter, images or Images(), room.settings)
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


async def test_a_session_starts_works_and_leaves_nothing_behind(room: Room) -> None:
    provider = FakeProvider(honest)
    async with hub(room, provider):
        view = await room.sessions.create(NewSession(prompt="do it"), ADMIN)
        log = await until(room, view.id, ends(1))
        stages = [(e.name, e.status) for e in log if e.type == "stage"]
        assert stages == [
            ("container", "started"),
            ("container", "done"),
            ("connect", "started"),
            ("connect", "done"),
        ]
        (sandbox,) = provider.sandboxes.values()
        assert sandbox.spec.image == IMAGE
        with room.bus.subscribe(sandbox.spec.sandbox_id, "state") as removed:
            await room.sessions.delete(view.id)
            async with asyncio.timeout(20):
                await removed.wait()
    assert not provider.sandboxes
    assert not any(room.settings.run_dir.iterdir())
    async with room.database.read() as tx:
        assert await sandboxes.living(tx) == []


async def test_without_an_image_a_session_waits_and_says_why(room: Room) -> None:
    images = Images()
    images.now = Readiness(None, "The sandbox image is being built.")
    async with hub(room, FakeProvider(honest), images):
        view = await room.sessions.create(NewSession(prompt="go"), ADMIN)
        await until(room, view.id, in_state("queued"))
        shown = await room.sessions.get(view.id)
        assert (shown.state, shown.state_reason) == ("queued", images.now.reason)
        images.now = Readiness(IMAGE, None)
        await until(room, view.id, ends(1))


async def test_over_the_limit_sessions_wait_for_room(room: Room) -> None:
    room.settings.max_sandboxes = 1
    async with hub(room, FakeProvider(honest)):
        first = await room.sessions.create(NewSession(prompt="one"), ADMIN)
        await until(room, first.id, ends(1))
        second = await room.sessions.create(NewSession(prompt="two"), ADMIN)
        await until(room, second.id, in_state("queued"))
        assert "the limit" in ((await room.sessions.get(second.id)).state_reason or "")
        await room.sessions.delete(first.id)
        await until(room, second.id, ends(1))


async def test_a_sandbox_that_dies_is_started_again_and_its_turn_fails(room: Room) -> None:
    provider = FakeProvider(honest)
    async with hub(room, provider):
        view = await room.sessions.create(NewSession(prompt="wait"), ADMIN)
        await until(room, view.id, lambda log: log[-1].type == "agent_message_chunk")
        (sandbox_id,) = provider.sandboxes
        await provider.kill(sandbox_id, oom=True)
        log = await until(room, view.id, ends(1, "failed"))
        ended = next(e for e in log if isinstance(e, TurnEnded))
        assert ended.code == "sandbox_lost"
        assert "memory" in (ended.message or "")
        await room.sessions.prompt(view.id, "again", ADMIN)
        await until(room, view.id, ends(1))
        assert list(provider.sandboxes) == [sandbox_id]


async def test_a_hub_that_dies_leaves_its_work_to_the_next(room: Room) -> None:
    provider = Watched()
    async with hub(room, provider):
        view = await room.sessions.create(NewSession(prompt="one"), ADMIN)
        await until(room, view.id, ends(1))
    await provider.create(
        SandboxSpec("stray", "gone", IMAGE, "t", 1, 1, 1, run_dir=room.settings.run_dir / "stray")
    )
    async with hub(room, provider):
        await room.sessions.prompt(view.id, "two", ADMIN)
        await until(room, view.id, ends(2))
        async with asyncio.timeout(20):
            assert await provider.destroyed.get() == "stray"
        assert len(provider.sandboxes) == 1


async def test_a_sandbox_that_ends_at_once_is_told_in_words(room: Room) -> None:
    async def broken(_spec: SandboxSpec) -> int | None:
        return 3

    async with hub(room, FakeProvider(broken)):
        view = await room.sessions.create(NewSession(prompt="go"), ADMIN)
        await until(room, view.id, in_state("failed"))
        shown = await room.sessions.get(view.id)
        assert "code 3" in (shown.state_reason or "")
        await room.sessions.delete(view.id)
        with pytest.raises(NotFound):
            await room.sessions.get(view.id)
