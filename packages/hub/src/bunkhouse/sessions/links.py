"""The hub's end of the links: one WebSocket for each runner.

The conversation is described in `bunkhouse_protocol.link`. What a runner sends is taken in batches,
each in one transaction, and acknowledged when that is stored; commands are sent from the outbox.
"""

import asyncio
from contextlib import suppress
from typing import Literal

import structlog
from pydantic import BaseModel, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from bunkhouse.errors import BunkhouseError, InvalidInput, SandboxNotRunning, TooLarge, Unavailable
from bunkhouse.sessions import runner_word, turns
from bunkhouse.sessions.journal import Journal
from bunkhouse.sessions.specs import Specs
from bunkhouse.store import outbox
from bunkhouse_protocol.link import (
    CLOSE_REPLACED,
    PROTOCOL,
    UP,
    Ack,
    CommandFrame,
    Dial,
    EventFrame,
    Hello,
    Ready,
    Received,
    SessionSpec,
    UpFrame,
    Welcome,
)
from bunkhouse_protocol.link import COMMAND as COMMANDS

_log = structlog.get_logger("bunkhouse.links")

_BATCH = 64
"""Frames that one transaction takes at most."""

_BACKLOG = 256
"""Frames that are read ahead; beyond them the runner feels back pressure."""

_CLOSE_PROTOCOL = 4400
_CLOSE_RESTART = 1012


class Links:
    """The runners that are connected to this hub."""

    def __init__(self, journal: Journal, specs: Specs, *, event_bytes: int) -> None:
        self._journal = journal
        self._specs = specs
        self._event_bytes = event_bytes
        self._open: dict[str, _Link] = {}
        self._changed = asyncio.Condition()

    async def serve(self, websocket: WebSocket, session_id: str) -> None:
        """Hold one runner's connection until it ends."""
        await websocket.accept()
        link = _Link(websocket, session_id, self._journal, self._event_bytes)
        try:
            await link.greet(await self._specs.of(session_id))
            replaced = self._open.get(session_id)
            await self._set(session_id, link)
            if replaced is not None:
                await replaced.close(CLOSE_REPLACED, "a newer connection took over")
            await link.run()
        except (WebSocketDisconnect, ValidationError, BunkhouseError) as error:
            if isinstance(error, Unavailable):
                # What it said is not stored, and so it says it again.
                _log.warning("link_not_stored", session=session_id, error=str(error)[:500])
                await link.close(_CLOSE_RESTART, "it can't be stored now")
            elif not isinstance(error, WebSocketDisconnect):
                _log.warning("link_refused", session=session_id, error=str(error)[:500])
                await link.close(_CLOSE_PROTOCOL, "not as the protocol says")
        finally:
            if self._open.get(session_id) is link:
                await self._set(session_id, None)

    def connected(self, session_id: str) -> bool:
        """Whether the session's runner is there now."""
        return session_id in self._open

    def steers(self, session_id: str) -> bool:
        """Whether the session's runner is there and can give prompts into a running turn."""
        link = self._open.get(session_id)
        return link is not None and link.steers

    def rewinds(self, session_id: str) -> bool | None:
        """Whether the session's runner can go back to before a turn; None: it is not there."""
        link = self._open.get(session_id)
        return None if link is None else link.rewinds

    async def wait_connected(self, session_id: str) -> None:
        """Until the session's runner is there."""
        async with self._changed:
            await self._changed.wait_for(lambda: session_id in self._open)

    async def redial(self, session_id: str) -> None:
        """Have the runner connect anew, and say anew how it is. Not connected: nothing happens."""
        link = self._open.get(session_id)
        if link is not None:
            await link.close(_CLOSE_RESTART, "say again how you are")

    async def dial(
        self, session_id: str, stream_id: str, socket: Literal["gateway", "streams"]
    ) -> None:
        """Ask the runner to open a stream back, from one of its sockets.

        Raises:
            SandboxNotRunning: it is not connected.
        """
        link = self._open.get(session_id)
        if link is None:
            raise SandboxNotRunning("The session's sandbox is not connected.")
        await link.send(Dial(stream_id=stream_id, socket=socket))

    async def _set(self, session_id: str, link: "_Link | None") -> None:
        async with self._changed:
            if link is None:
                self._open.pop(session_id, None)
            else:
                self._open[session_id] = link
            self._changed.notify_all()


class _Link:
    def __init__(
        self, websocket: WebSocket, session_id: str, journal: Journal, event_bytes: int
    ) -> None:
        self._websocket = websocket
        self._session_id = session_id
        self._journal = journal
        self._event_bytes = event_bytes
        self._frames: asyncio.Queue[UpFrame | Exception] = asyncio.Queue(_BACKLOG)
        self.steers = False
        self.rewinds = False

    async def greet(self, spec: SessionSpec) -> None:
        hello = await self._receive()
        if not isinstance(hello, Hello) or hello.protocol != PROTOCOL:
            raise InvalidInput("The runner speaks another version of the protocol.")
        self.steers, self.rewinds = hello.steers, hello.rewinds
        async with self._journal.change(self._session_id) as change:
            acked = await runner_word.greet(change, hello.spool_id, hello.acked)
            running = await turns.running(change)
        known = [] if running is None else [running.id]
        await self.send(Welcome(acked=acked, session=spec, turns=known))

    async def run(self) -> None:
        """Until the connection ends; what was read by then is stored all the same."""
        beside = [asyncio.create_task(self._read()), asyncio.create_task(self._command())]
        try:
            await self._take()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def send(self, frame: BaseModel) -> None:
        await self._websocket.send_text(frame.model_dump_json())

    async def close(self, code: int, reason: str) -> None:
        with suppress(RuntimeError, WebSocketDisconnect):
            await self._websocket.close(code, reason)

    async def _receive(self) -> UpFrame:
        text = await self._websocket.receive_text()
        if len(text) > self._event_bytes:
            raise TooLarge(
                f"A frame of {len(text):,} characters is over the limit.",
                remedy="Raise BUNKHOUSE_EVENT_BYTES.",
                code="event_too_large",
            )
        return UP.validate_json(text)

    async def _read(self) -> None:
        try:
            while True:
                await self._frames.put(await self._receive())
        except (WebSocketDisconnect, ValidationError, TooLarge) as error:
            await self._frames.put(error)

    async def _take(self) -> None:
        while True:
            batch = [await self._frames.get()]
            while len(batch) < _BATCH and not self._frames.empty():
                batch.append(self._frames.get_nowait())
            end = next((frame for frame in batch if isinstance(frame, Exception)), None)
            events = False
            async with self._journal.change(self._session_id) as change:
                for frame in batch:
                    if isinstance(frame, EventFrame | Received | Ready):
                        await runner_word.take(change, frame, rewinds=self.rewinds)
                        events = events or isinstance(frame, EventFrame)
                acked = change.row.spool_acked
            if end is not None:
                raise end
            if events:
                await self.send(Ack(n=acked))

    async def _command(self) -> None:
        try:
            await self._send_commands()
        except BunkhouseError as error:
            # A link that tells nothing is worse than none: it ends, after what was read.
            await self._frames.put(error)

    async def _send_commands(self) -> None:
        sent = 0
        with self._journal.bus.subscribe(self._session_id, "outbox") as subscription:
            while True:
                async with self._journal.database.read() as tx:
                    waiting = await outbox.waiting(tx, self._session_id, after=sent)
                for position, command_id, command in waiting:
                    frame = CommandFrame(id=command_id, command=COMMANDS.validate_python(command))
                    await self.send(frame)
                    sent = position
                await subscription.wait()
