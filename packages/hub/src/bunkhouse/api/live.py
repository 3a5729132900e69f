"""The one stream of a page: its list, who is where, and the log of the session that it shows.

Browsers open six connections to a host, so a page has one. Everything in it is pulled: the next
piece is made when the one before was taken. A page that reads slowly, or not at all, holds nothing
but what it has not taken of shared pieces, and goes on from the log.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from bunkhouse.api import sse
from bunkhouse.api.access import leave_of
from bunkhouse.api.board import Board
from bunkhouse.api.schemas import SessionDeleted
from bunkhouse.api.services import Services
from bunkhouse.api.tails import Tail, Tails
from bunkhouse.bus.presence import Look, Who
from bunkhouse.errors import BunkhouseError
from bunkhouse.people import Leave, Person


@dataclass(frozen=True, slots=True)
class Shown:
    """The session that a page shows."""

    session_id: str
    after: int
    """The last place of its log that the page has."""


class Live:
    """What the streams of a hub share."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub
        self._board = Board(hub)
        self._tails = Tails(hub)

    async def stream(
        self, person: Person, who: Who, shown: Shown | None
    ) -> AsyncGenerator[bytes, None]:
        """Give a page's stream, without end.

        `shown` that is not there, or not for this person to see, is told as deleted.
        """
        wake = asyncio.Event()
        with ExitStack() as stack:
            watch = stack.enter_context(self._board.watch(person, wake))
            log = None
            if shown is not None:
                tail = stack.enter_context(self._tails.follow(shown.session_id, wake))
                reading = leave_of(self._hub, person, "session.read", shown.session_id, wake.set)
                look = stack.enter_context(ExitStack())
                log = _Log(stack.enter_context(reading), tail, shown, gone=look.close)
                if await log.may():
                    looking = self._hub.presence.look(shown.session_id, who)
                    log.look = look.enter_context(looking)
            ready = format_sse_event(event="ready", data_str=f'{{"you":"{who.id}"}}')
            yield await self._board.beginning(watch) + ready
            while True:
                wake.clear()
                piece = watch.take()
                if log is not None:
                    piece += await log.take()
                if piece:
                    yield piece
                elif not await _within(wake, sse.KEEP_ALIVE_SECONDS):
                    # Taken, it says that the page is still there.
                    yield KEEPALIVE_COMMENT


class _Log:
    """The log of the session that a page shows, from the place that the page has."""

    def __init__(self, leave: Leave, tail: Tail, shown: Shown, gone: Callable[[], None]) -> None:
        """`gone` is called when there is no session any more for who reads."""
        self.look: Look | None = None
        self._leave = leave
        self._tail = tail
        self._session_id = shown.session_id
        self._after = shown.after
        self._on_gone = gone
        self._gone = False

    async def may(self) -> bool:
        """Say whether who reads may, now."""
        try:
            await self._leave.ask()
        except BunkhouseError:
            return False
        return True

    async def take(self) -> bytes:
        """Give what comes next; nothing where there is nothing, or the session is no more."""
        if self._gone:
            return b""
        chunk = None
        if await self.may():
            if self.look is not None:
                self.look.refresh()
            self._tail.seen(self._after)  # being asked again means that this was taken
            chunk = await self._tail.read(self._after)
        # Asked again: reading took its time, and what was read is not sent yet.
        if chunk is None or not await self.may():
            self._gone = True
            self._on_gone()
            deleted = SessionDeleted(id=self._session_id).model_dump_json()
            return format_sse_event(event="session_deleted", data_str=deleted)
        self._after = chunk.last
        return chunk.data


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, but not for longer; say whether it came."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
            return True
    return False
