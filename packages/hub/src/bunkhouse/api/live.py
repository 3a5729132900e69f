"""The one stream of a page: its list, who is where, and the log of the session that it shows.

Browsers open six connections to a host, so a page has one. Everything in it is pulled: the next
piece is made when the one before was taken. A page that reads slowly, or not at all, holds nothing
but what it has not taken of shared pieces, and goes on from the log.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from bunkhouse.api import sse
from bunkhouse.api.board import Board
from bunkhouse.api.schemas import SessionDeleted
from bunkhouse.api.services import Services
from bunkhouse.api.tails import Tail, Tails
from bunkhouse.bus.presence import Who


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

    async def stream(self, who: Who, shown: Shown | None) -> AsyncGenerator[bytes, None]:
        """Give a page's stream, without end."""
        wake = asyncio.Event()
        with ExitStack() as stack:
            watch = stack.enter_context(self._board.watch(wake))
            log = look = None
            if shown is not None:
                look = stack.enter_context(self._hub.presence.look(shown.session_id, who))
                tail = stack.enter_context(self._tails.follow(shown.session_id, wake))
                log = _Log(tail, shown)
            ready = format_sse_event(event="ready", data_str=f'{{"you":"{who.id}"}}')
            yield await self._board.beginning() + ready
            while True:
                if look is not None:
                    look.refresh()
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

    def __init__(self, tail: Tail, shown: Shown) -> None:
        self._tail = tail
        self._session_id = shown.session_id
        self._after = shown.after
        self._gone = False

    async def take(self) -> bytes:
        """Give what comes next; nothing where there is nothing, or the session is no more."""
        if self._gone:
            return b""
        self._tail.seen(self._after)  # being asked again means that this was taken
        chunk = await self._tail.read(self._after)
        if chunk is None:
            self._gone = True
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
