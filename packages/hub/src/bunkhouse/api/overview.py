"""The stream behind the page's list: what there is, then what changes.

Readers need to know that a session changed, not how often: a slow one finds one entry for each
session, however much happened meanwhile.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from fastapi.sse import format_sse_event
from pydantic import BaseModel

from bunkhouse.api import sse
from bunkhouse.api.routes.sessions import session_out
from bunkhouse.api.schemas import SessionDeleted, SystemStatus
from bunkhouse.api.services import Services
from bunkhouse.errors import NotFound

_NEWEST = 100


async def overview(hub: Services) -> AsyncGenerator[bytes, None]:
    """Give chunks of the stream, without end."""
    pending = _Pending(hub)
    try:
        views, _ = await hub.sessions.list(limit=_NEWEST)
        yield b"".join(
            [
                _event("system", await hub.system.status()),
                *(_event("session", session_out(view)) for view in views),
                format_sse_event(event="ready", data_str="{}"),
            ]
        )
        while True:
            ids, system = await pending.take()
            parts = [_event("system", await hub.system.status())] if system else []
            for session_id in ids:
                parts.append(await _session(hub, session_id))
            yield b"".join(parts)
    finally:
        await pending.close()


async def _session(hub: Services, session_id: str) -> bytes:
    try:
        return _event("session", session_out(await hub.sessions.get(session_id)))
    except NotFound:
        return _event("session_deleted", SessionDeleted(id=session_id))


def _event(name: str, data: BaseModel) -> bytes:
    return format_sse_event(event=name, data_str=data.model_dump_json())


class _Pending:
    """What changed and was not sent yet. Listens from the moment that it is made."""

    def __init__(self, hub: Services) -> None:
        self._ids: dict[str, None] = {}  # in order, each once
        self._system = False
        self._failure: Exception | None = None
        self._something = asyncio.Event()
        self._sources = (hub.sessions.follow_all(), hub.system.follow())
        self._tasks = [asyncio.create_task(self._gather(source)) for source in self._sources]

    async def _gather(self, source: AsyncIterator[str] | AsyncIterator[SystemStatus]) -> None:
        try:
            async for changed in source:
                if isinstance(changed, str):
                    self._ids[changed] = None
                else:
                    self._system = True
                self._something.set()
        except Exception as error:
            self._failure = error
            self._something.set()

    async def take(self) -> tuple[list[str], bool]:
        """Wait until something changed; give the sessions, and whether the system did."""
        await self._something.wait()
        self._something.clear()
        if self._failure is not None:
            raise self._failure
        ids, self._ids = list(self._ids), {}
        system, self._system = self._system, False
        return ids, system

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        for source in self._sources:
            await sse.close(source)
