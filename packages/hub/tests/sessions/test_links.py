"""The link over a real socket: connections that break anywhere lose nothing and double nothing."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Any

import pytest
import structlog.testing
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed

from bunkhouse.broker.listener import Listener
from bunkhouse.errors import StorageFull
from bunkhouse.sessions import NewSession, runner_word
from bunkhouse.sessions.journal import Change
from bunkhouse.store import Transaction, outbox
from bunkhouse_protocol.events import AgentMessageChunk, Notice, TurnEnded
from bunkhouse_protocol.link import (
    CLOSE_REPLACED,
    DOWN,
    Ack,
    CommandFrame,
    EventFrame,
    Hello,
    PromptCommand,
    Ready,
    Received,
    Welcome,
)

from ..conftest import ADMIN, Room

WORDS = [f"word-{n} " for n in range(120)]


@pytest.fixture
async def socket(room: Room, tmp_path: Path) -> AsyncGenerator[Path]:
    async def link(websocket: WebSocket) -> None:
        await room.links.serve(websocket, websocket.headers["x-session"])

    listener = Listener(Starlette(routes=[WebSocketRoute("/sandbox/link", link)]))
    await listener.open("s_1", "", tmp_path)
    yield tmp_path / "hub.sock"
    await listener.close_all()


def dial(socket: Path, session_id: str) -> AbstractAsyncContextManager[ClientConnection]:
    return unix_connect(
        str(socket), "ws://hub/sandbox/link", additional_headers={"x-session": session_id}
    )


class Runner:
    """Keeps a spool and dials again, as the real one does; a turn says `WORDS`."""

    def __init__(self, socket: Path, session_id: str, cuts: random.Random) -> None:
        self.socket = socket
        self.session_id = session_id
        self.cuts = cuts
        self.spool: list[EventFrame] = []
        self.commands: list[str] = []
        self.done = asyncio.Event()

    def emit(self, event: AgentMessageChunk | TurnEnded) -> None:
        self.spool.append(EventFrame(n=len(self.spool) + 1, event=event))

    async def run(self) -> None:
        while not self.done.is_set():
            with suppress(ConnectionClosed, ConnectionError):
                async with dial(self.socket, self.session_id) as hub:
                    await self._talk(hub)

    async def _talk(self, hub: ClientConnection) -> None:
        await hub.send(Hello(spool_id="spool").model_dump_json())
        welcome = DOWN.validate_json(await hub.recv())
        assert isinstance(welcome, Welcome)
        await hub.send(Ready(ok=True, running_turn=(self.commands or [None])[-1]).model_dump_json())
        for frame in self.spool[welcome.acked :]:
            await hub.send(frame.model_dump_json())
            if self.cuts.random() < 0.03:
                hub.transport.abort()
                return
        async for message in hub:
            match DOWN.validate_json(message):
                case CommandFrame(id=name, command=PromptCommand(turn_id=turn)):
                    if self.cuts.random() < 0.3:
                        hub.transport.abort()
                        return
                    if turn not in self.commands:
                        self.commands.append(turn)
                        for word in WORDS:
                            self.emit(AgentMessageChunk(message_id=turn, text=word))
                        self.emit(TurnEnded(turn_id=turn, outcome="done"))
                    await hub.send(Received(id=name).model_dump_json())
                    hub.transport.abort()  # and dial again, to send what is in the spool
                    return
                case Ack(n=n) if n == len(self.spool) and len(self.commands) == 3:
                    self.done.set()
                    return
                case _:
                    pass


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_is_lost_or_doubled_when_connections_break(
    room: Room, socket: Path, seed: int
) -> None:
    view = await room.sessions.create(NewSession(prompt="one"), ADMIN)
    for text in ("two", "three"):
        await room.sessions.prompt(view.id, text, ADMIN)
    async with room.journal.change(view.id) as change:
        change.move("starting", "hub")
    runner = Runner(socket, view.id, random.Random(seed))
    async with asyncio.timeout(60):
        await runner.run()
        async for batch in room.sessions.follow(view.id):
            if batch[-1].type == "state_changed":
                break
    log = await room.sessions.events(view.id, limit=10_000)
    assert [event.seq for event in log] == list(range(1, len(log) + 1))
    for turn in runner.commands:
        words = [e.text for e in log if isinstance(e, AgentMessageChunk) and e.message_id == turn]
        assert words == WORDS
    ended = [event.turn_id for event in log if isinstance(event, TurnEnded)]
    assert ended == runner.commands
    assert len(set(runner.commands)) == 3


async def test_a_newer_connection_takes_over(room: Room, socket: Path) -> None:
    view = await room.sessions.create(NewSession(), ADMIN)
    async with dial(socket, view.id) as old, dial(socket, view.id) as new:
        await old.send(Hello(spool_id="a").model_dump_json())
        await old.recv()
        await room.links.wait_connected(view.id)
        await new.send(Hello(spool_id="a").model_dump_json())
        await new.recv()
        with pytest.raises(ConnectionClosed) as closed:
            await old.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == CLOSE_REPLACED
        assert room.links.connected(view.id)


async def test_a_runner_of_another_version_is_refused(room: Room, socket: Path) -> None:
    view = await room.sessions.create(NewSession(), ADMIN)
    async with dial(socket, view.id) as hub:
        await hub.send(Hello(spool_id="a", protocol=99).model_dump_json())
        with pytest.raises(ConnectionClosed) as closed:
            await hub.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4400


@pytest.mark.parametrize("steers", [True, False])
async def test_whether_a_runner_takes_prompts_into_a_turn_is_its_own_word(
    room: Room, socket: Path, steers: bool
) -> None:
    view = await room.sessions.create(NewSession(), ADMIN)
    assert not room.links.steers(view.id)
    async with dial(socket, view.id) as hub:
        await hub.send(Hello(spool_id="a", steers=steers).model_dump_json())
        await room.links.wait_connected(view.id)
        assert room.links.steers(view.id) is steers


async def test_a_store_that_was_set_back_goes_on_above_what_the_runner_still_has(
    room: Room, socket: Path
) -> None:
    """It was restored from a backup: events 4 to 9 were acknowledged, and are in no spool."""
    view = await room.sessions.create(NewSession(), ADMIN)
    async with room.journal.change(view.id) as change:
        change.row.spool_id, change.row.spool_acked = "a", 3
    said = AgentMessageChunk(message_id="m", text="new")
    for _ in range(2):  # the second time there is nothing missing
        async with dial(socket, view.id) as hub:
            await hub.send(Hello(spool_id="a", acked=9).model_dump_json())
            welcome = DOWN.validate_json(await hub.recv())
            assert isinstance(welcome, Welcome)
            await hub.send(EventFrame(n=10, event=said).model_dump_json())
            assert DOWN.validate_json(await hub.recv()) == Ack(n=10)
    log = await room.sessions.events(view.id)
    told = [event.code for event in log if isinstance(event, Notice)]
    assert told == ["events_missing"]
    assert [event.text for event in log if isinstance(event, AgentMessageChunk)] == ["new"]


async def test_a_link_whose_commands_can_not_be_read_ends_and_is_dialled_again(
    room: Room, socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the session would wait for ever for a turn that nobody was told of."""
    session_id = (await room.sessions.create(NewSession(prompt="go"), ADMIN)).id
    real = outbox.waiting
    full = True

    async def waiting(
        tx: Transaction, of: str, **more: int
    ) -> list[tuple[int, str, dict[str, Any]]]:
        if full and more:
            raise StorageFull("The disk is full.")
        return await real(tx, of, **more)

    monkeypatch.setattr(outbox, "waiting", waiting)
    async with asyncio.timeout(20):
        async with dial(socket, session_id) as hub:
            await hub.send(Hello(spool_id="spool").model_dump_json())
            await hub.recv()
            with pytest.raises(ConnectionClosed) as closed:
                await hub.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
        full = False
        async with room.journal.change(session_id) as change:
            change.move("starting", "hub")
        async with dial(socket, session_id) as hub:
            await hub.send(Hello(spool_id="spool").model_dump_json())
            await hub.recv()
            await hub.send(Ready(ok=True).model_dump_json())
            frame = DOWN.validate_json(await hub.recv())
            assert isinstance(frame, CommandFrame)
            assert isinstance(frame.command, PromptCommand)


async def test_what_can_not_be_stored_now_is_said_again(
    room: Room, socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = (await room.sessions.create(NewSession(), ADMIN)).id
    said = EventFrame(n=1, event=Notice(code="x", message="y")).model_dump_json()
    real = runner_word.take

    async def take(_change: Change, _frame: EventFrame | Received | Ready, **_: bool) -> None:
        raise StorageFull("The disk is full.")

    async with asyncio.timeout(20):
        monkeypatch.setattr(runner_word, "take", take)
        async with dial(socket, session_id) as hub:
            await hub.send(Hello(spool_id="spool").model_dump_json())
            await hub.recv()
            await hub.send(said)
            with pytest.raises(ConnectionClosed) as closed:
                await hub.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
        monkeypatch.setattr(runner_word, "take", real)
        async with dial(socket, session_id) as hub:
            await hub.send(Hello(spool_id="spool").model_dump_json())
            welcome = DOWN.validate_json(await hub.recv())
            assert isinstance(welcome, Welcome)
            assert welcome.acked == 0
            await hub.send(said)
            assert isinstance(DOWN.validate_json(await hub.recv()), Ack)
    log = await room.sessions.events(session_id)
    assert sum(isinstance(event, Notice) for event in log) == 1


async def test_an_event_over_the_limit_ends_the_connection_and_is_not_stored(
    room: Room, socket: Path
) -> None:
    view = await room.sessions.create(NewSession(), ADMIN)
    limit = room.settings.event_bytes
    before = AgentMessageChunk(message_id="m", text="before")
    huge = AgentMessageChunk(message_id="m", text="x" * limit)
    with structlog.testing.capture_logs() as logs:
        async with dial(socket, view.id) as hub:
            await hub.send(Hello(spool_id="a").model_dump_json())
            await hub.recv()
            await hub.send(EventFrame(n=1, event=before).model_dump_json())
            await hub.send(EventFrame(n=2, event=huge).model_dump_json())
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    await hub.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 4400
    (said,) = [each["error"] for each in logs if each["event"] == "link_refused"]
    assert "BUNKHOUSE_EVENT_BYTES" in said
    log = await room.sessions.events(view.id)
    assert [e.text for e in log if isinstance(e, AgentMessageChunk)] == ["before"]
