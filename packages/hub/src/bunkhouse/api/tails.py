"""The ends of logs, read and printed once for all who follow them.

A follower says where it stands and gets what comes next. Those who stand at the same place share
one read of the store, so an event costs the same for one viewer and for two hundred. One that lags
behind reads by itself, at its own pace, from where it stands; what it has not taken is nowhere but
in the log.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from fastapi.sse import format_sse_event

from bunkhouse.api import sse
from bunkhouse.api.services import Services
from bunkhouse.errors import BunkhouseError, NotFound

BATCH = 100
"""Events that are read at once."""
_KEPT = 4
"""Reads of one session that are kept for others who stand at the same places."""
_SEEN_SECONDS = 10.0
"""How often it is written down, at most, up to where a log has been looked at."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some events, printed for a stream."""

    data: bytes
    last: int
    """The place up to which they go."""


class Tails:
    """The logs that are followed now."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub
        self._tails: dict[str, Tail] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @contextmanager
    def follow(self, session_id: str, wake: asyncio.Event) -> Generator["Tail"]:
        """Follow a log until the block ends; `wake` is set whenever there may be more."""
        tail = self._tails.get(session_id)
        if tail is None:
            tail = self._tails[session_id] = Tail(self._hub, session_id)
        tail.wakes.add(wake)
        try:
            yield tail
        finally:
            tail.wakes.discard(wake)
            if not tail.wakes:
                del self._tails[session_id]
                closing = asyncio.create_task(tail.close())
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)


class Tail:
    """One log that is followed."""

    def __init__(self, hub: Services, session_id: str) -> None:
        self.wakes: set[asyncio.Event] = set()
        self._hub = hub
        self._session_id = session_id
        self._reads: OrderedDict[int, asyncio.Task[Chunk | None]] = OrderedDict()
        self._end: int | None = None
        self._word = 0
        self._seen = self._seen_written = 0
        self._seen_at = 0.0
        self._pointers = hub.sessions.follow_log(session_id)
        self._pump = asyncio.create_task(self._listen())

    async def read(self, after: int) -> Chunk | None:
        """What follows place `after`; empty where nothing does yet, None if it was deleted.

        A read that is shared began after the last word from the bus: what it does not have, `wake`
        will tell.
        """
        if after == self._end:
            return Chunk(b"", after)
        task = self._reads.get(after)
        if task is None or (task.done() and task.exception() is not None):
            task = self._reads[after] = asyncio.create_task(self._load(after, self._word))
            while len(self._reads) > _KEPT:
                self._reads.popitem(last=False)
        return await asyncio.shield(task)

    def seen(self, place: int) -> None:
        """Somebody was shown the log up to this place."""
        self._seen = max(self._seen, place)

    async def close(self) -> None:
        """Stop listening, and write down up to where it was seen."""
        self._pump.cancel()
        await asyncio.wait({self._pump})
        await sse.close(self._pointers)
        await self._write_seen()

    async def _listen(self) -> None:
        async for _ in self._pointers:
            self._word += 1
            self._end = None
            self._reads.clear()
            for wake in self.wakes:
                wake.set()
            if time.monotonic() - self._seen_at > _SEEN_SECONDS:
                await self._write_seen()

    async def _write_seen(self) -> None:
        if self._seen > self._seen_written:
            self._seen_at = time.monotonic()
            self._seen_written = self._seen
            try:
                await self._hub.sessions.seen(self._session_id, self._seen)
            except BunkhouseError:
                self._seen_written = 0  # a full disk, say: it is tried again

    async def _load(self, after: int, word: int) -> Chunk | None:
        try:
            events = await self._hub.sessions.events(self._session_id, after, BATCH, folded=True)
        except NotFound:
            return None
        last = events[-1].seq if events else after
        if len(events) < BATCH and word == self._word:
            self._end = last
        if not events:
            return Chunk(b"", last)
        items = ",".join(event.model_dump_json() for event in events)
        data = format_sse_event(
            event="log", data_str=f'{{"session_id":"{self._session_id}","items":[{items}]}}'
        )
        return Chunk(data, last)
