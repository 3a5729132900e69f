"""OpenCode's event stream, kept up: when it breaks off it is taken up again."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from bunkhouse_runner.agents.opencode.client import Client, Refused, Unreachable
from bunkhouse_runner.agents.opencode.tools import Json

_log = structlog.get_logger()
_PAUSE_SECONDS = 0.2


class EventStream:
    """Calls `take` with each event, and `resumed` after each connection but the first.

    The server ends the stream when its instance is disposed of; that is taken up as well.
    """

    def __init__(
        self,
        take: Callable[[Json], Awaitable[None]],
        resumed: Callable[[], Awaitable[None]],
    ) -> None:
        self._take = take
        self._resumed = resumed
        self._task: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()

    async def open(self, client: Client) -> None:
        """Subscribe; returns when events arrive from now on."""
        await self.close()
        self._connected.clear()
        self._task = asyncio.create_task(self._run(client))
        await self._connected.wait()

    async def close(self) -> None:
        """Unsubscribe."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self, client: Client) -> None:
        first = True
        while True:
            try:
                async with client.events() as events:
                    async for event in events:
                        if event.get("type") == "server.connected":
                            self._connected.set()
                            if not first:
                                await self._resumed()
                            first = False
                        else:
                            await self._take(event)
            except (Unreachable, Refused) as problem:
                _log.debug("event_stream_broke", problem=str(problem))
            await asyncio.sleep(_PAUSE_SECONDS)
