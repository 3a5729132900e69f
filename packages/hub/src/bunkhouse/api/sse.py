"""Server-sent events: one chunk for each batch, a comment when nothing happens, a clean end.

The format and the response class are FastAPI's. Its generator routes are not used: they have
begun the answer before the first item, while ours may still say 404, or answer with a page.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar, runtime_checkable

import structlog
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event

from bunkhouse.errors import BunkhouseError
from bunkhouse.people import Leave
from bunkhouse_protocol.events import Event

KEEP_ALIVE_SECONDS = 15.0

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would gather otherwise
}
_log = structlog.get_logger("bunkhouse.api")
_T = TypeVar("_T")


@runtime_checkable
class _Closable(Protocol):
    async def aclose(self) -> None: ...


def encode_events(events: Iterable[Event]) -> bytes:
    """Print events of a log: `id` is the seq, `event` the type, `data` the event as JSON."""
    return b"".join(
        format_sse_event(data_str=event.model_dump_json(), event=event.type, id=str(event.seq))
        for event in events
    )


def respond(
    chunks: AsyncIterator[bytes],
    closing: asyncio.Event,
    holding: AbstractContextManager[Leave],
) -> EventSourceResponse:
    """Answer with a stream of chunks until they end, the reader leaves, or `closing` is set.

    `holding` gives the leave to read them; when it is over the stream ends, and nothing that was
    on its way is sent any more.

    The next chunk is asked for when the one before was taken: a slow reader slows the source, and
    costs no memory.
    """
    return EventSourceResponse(_guarded(chunks, closing, holding), headers=_HEADERS)


async def _guarded(
    chunks: AsyncIterator[bytes],
    closing: asyncio.Event,
    holding: AbstractContextManager[Leave],
) -> AsyncGenerator[bytes, None]:
    # At once, so that the reader knows that it is connected even where nothing happens.
    yield KEEPALIVE_COMMENT
    upcoming: asyncio.Task[bytes | None] | None = None
    stops: set[asyncio.Task[Any]] = set()
    try:
        with holding as leave:
            stops = {asyncio.create_task(closing.wait()), asyncio.create_task(leave.over.wait())}
            while not any(stop.done() for stop in stops):
                if upcoming is None:
                    upcoming = asyncio.create_task(_next(chunks))
                await asyncio.wait(
                    {upcoming, *stops},
                    timeout=KEEP_ALIVE_SECONDS,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if upcoming.done():
                    chunk = upcoming.result()
                    if chunk is None:
                        return
                    upcoming = None
                    await leave.ask()
                    yield chunk
                elif not any(stop.done() for stop in stops):
                    yield KEEPALIVE_COMMENT
    except BunkhouseError as error:
        # Too late for a status: the reader comes again and is told then.
        _log.info("stream ended", reason=error.reason)
    finally:
        for stop in stops:
            stop.cancel()
        if upcoming is not None and not upcoming.done():
            upcoming.cancel()
            await asyncio.wait({upcoming})
        await close(chunks)


async def _next(items: AsyncIterator[_T]) -> _T | None:
    return await anext(items, None)


async def close(items: AsyncIterator[object]) -> None:
    """Let a source clean up now, and not when it is collected."""
    if isinstance(items, _Closable):
        await items.aclose()
