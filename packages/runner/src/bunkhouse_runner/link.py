"""The runner's end of the link: one WebSocket to the hub, dialled again whenever it breaks.

The conversation is described in `bunkhouse_protocol.link`. Of each connection, one task reads and
one sends: reading never waits for sending, so the two sides can't block each other.
"""

import asyncio
import contextlib
import random
import sqlite3
from collections import deque
from collections.abc import AsyncGenerator, Callable

import structlog
from pydantic import BaseModel, ValidationError
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from bunkhouse_protocol.link import (
    CLOSE_REPLACED,
    CLOSE_UNAUTHORIZED,
    DOWN,
    Ack,
    CommandFrame,
    Dial,
    Hello,
    Ready,
    Received,
    Welcome,
)
from bunkhouse_runner import __version__
from bunkhouse_runner.errors import Unauthorized
from bunkhouse_runner.hub import Hub
from bunkhouse_runner.spool import Spool

_log = structlog.get_logger("bunkhouse.runner.link")

FIRST_DELAY = 0.1
LONGEST_DELAY = 5.0
LONGEST_DELAY_SOCKET = 1.0
"""To dial a socket on the same machine costs next to nothing."""
GROWTH = 1.6
STEADY_SECONDS = 1.0
"""A connection that held this long was a good one: after it, dialling begins anew at once."""

BATCH = 256
FRAME_BYTES = 16 * 1024 * 1024
HANDSHAKE_SECONDS = 15.0
HTTP_UNAUTHORIZED = 401
CLOSE_PROTOCOL = 4400


class Link:
    """Keeps the conversation with the hub going.

    The callbacks are called on the event loop, in the order of the frames, and must not block:

    - `on_welcome(welcome)` at each connection;
    - `on_command()` when a command was received that was not here before; it waits in the spool;
    - `on_dial(dial)`;
    - `ready()` says what to tell the hub once all events are sent, or None for nothing yet.
    """

    def __init__(
        self,
        hub: Hub,
        spool: Spool,
        *,
        on_welcome: Callable[[Welcome], None],
        on_command: Callable[[], None],
        on_dial: Callable[[Dial], None],
        ready: Callable[[], Ready | None],
    ) -> None:
        self._hub = hub
        self._spool = spool
        self._on_welcome = on_welcome
        self._on_command = on_command
        self._on_dial = on_dial
        self._ready = ready
        self._work = asyncio.Event()
        self._received: deque[str] = deque()
        self._say_ready = False
        self._conversing = False
        self._acked = asyncio.Event()
        self._closing = False

    def retire(self) -> None:
        """Take no more commands, and announce nothing any more; events still go up."""
        self._closing = True

    async def finish(self, seconds: float) -> None:
        """Wait until the hub has all events, if it is there.

        What it does not get in that time is in the spool, for the next runner to send.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._conversing and self._spool.acked < self._spool.last:
                    self._acked.clear()
                    await self._acked.wait()

    def wake(self) -> None:
        """Tell that there is something new in the spool."""
        self._work.set()

    def announce(self) -> None:
        """Send `Ready` (again), after all events that are in the spool now."""
        self._say_ready = True
        self._work.set()

    async def run(self) -> None:
        """Dial and converse until the hub no longer takes our token: raises `Unauthorized`."""
        loop = asyncio.get_running_loop()
        delay = FIRST_DELAY
        longest = LONGEST_DELAY if self._hub.socket is None else LONGEST_DELAY_SOCKET
        while True:
            connected_at: float | None = None
            floor = 0.0
            try:
                async with self._connected() as (connection, welcome):
                    connected_at = loop.time()
                    await self._converse(connection, welcome)
            except ConnectionClosed as closed:
                floor = _floor(closed)
            except InvalidStatus as refused:
                if refused.response.status_code == HTTP_UNAUTHORIZED:
                    raise Unauthorized("unauthorized", "The hub refused our token.") from refused
                _log.info("hub_refused", status=refused.response.status_code)
            except (OSError, TimeoutError, WebSocketException) as error:
                _log.debug("hub_away", error=str(error))
            except (ValidationError, sqlite3.Error) as error:
                _log.error("link_broken", error=str(error)[:500])
                floor = LONGEST_DELAY
            if connected_at is not None and loop.time() - connected_at > STEADY_SECONDS:
                delay = FIRST_DELAY
            # Jitter: after a restart of the hub not all of its sandboxes come at once.
            await asyncio.sleep(max(floor, delay) * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            delay = min(longest, delay * GROWTH)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncGenerator[tuple[ClientConnection, Welcome]]:
        async with self._hub.open_websocket(
            "/link", max_size=FRAME_BYTES, open_timeout=HANDSHAKE_SECONDS, close_timeout=1.0
        ) as connection:
            hello = Hello(
                spool_id=self._spool.id,
                runner_version=__version__,
                acked=self._spool.acked,
                steers=True,
                rewinds=True,
            )
            await connection.send(hello.model_dump_json())
            text = await asyncio.wait_for(connection.recv(), HANDSHAKE_SECONDS)
            welcome = DOWN.validate_json(text)
            if not isinstance(welcome, Welcome):
                raise WebSocketException("the hub did not say welcome")
            yield connection, welcome

    async def _converse(self, connection: ClientConnection, welcome: Welcome) -> None:
        self._spool.resume_at(welcome.acked)
        self._received.clear()  # the hub sends again what it has not heard of
        self._say_ready = True
        _log.info("connected", acked=welcome.acked, last=self._spool.last)
        if not self._closing:
            self._on_welcome(welcome)
        self._conversing = True
        tasks = [
            asyncio.create_task(self._read(connection)),
            asyncio.create_task(self._send(connection, welcome.acked)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._conversing = False
            self._acked.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, connection: ClientConnection) -> None:
        while True:
            match DOWN.validate_json(await connection.recv()):
                case Ack(n=n):
                    self._spool.ack(n)
                    self._acked.set()
                case CommandFrame() | Dial() if self._closing:
                    pass  # the hub keeps it for whoever comes next
                case CommandFrame(id=command_id, command=command):
                    new = self._spool.receive(command_id, command)
                    self._received.append(command_id)
                    self._work.set()
                    if new:
                        self._on_command()
                case Dial() as dial:
                    self._on_dial(dial)
                case Welcome():
                    raise WebSocketException("the hub said welcome twice")

    async def _send(self, connection: ClientConnection, sent: int) -> None:
        while True:
            self._work.clear()
            while self._received:
                await _send_frame(connection, Received(id=self._received.popleft()))
            batch = self._spool.pending(sent, BATCH)
            for spooled in batch:
                # The event is JSON already; to parse it only to print it again would be waste.
                await connection.send(f'{{"frame":"event","n":{spooled.n},"event":{spooled.body}}}')
                sent = spooled.n
            if batch:
                continue
            if self._say_ready:
                self._say_ready = False
                ready = None if self._closing else self._ready()
                if ready is not None:
                    await _send_frame(connection, ready)
                continue
            await self._work.wait()


async def _send_frame(connection: ClientConnection, frame: BaseModel) -> None:
    await connection.send(frame.model_dump_json())


def _floor(closed: ConnectionClosed) -> float:
    """How long to stay away at least, in seconds, after the hub closed the connection."""
    code = closed.rcvd.code if closed.rcvd is not None else None
    reason = closed.rcvd.reason if closed.rcvd is not None else ""
    _log.info("disconnected", code=code, reason=reason)
    if code == CLOSE_UNAUTHORIZED:
        raise Unauthorized("unauthorized", "The hub no longer takes our token.") from closed
    # Replaced: another runner speaks for this sandbox. Protocol: only another version can help.
    return LONGEST_DELAY if code in (CLOSE_REPLACED, CLOSE_PROTOCOL) else 0.0
