"""Following sessions: all at once, for lists that update by themselves, or one."""

import asyncio

from bunkhouse.bus import Bus

_GATHER_SECONDS = 0.2
"""How long changes are gathered, so that a text that streams does not redraw lists all the time."""


class Followed:
    """An iterator of the ids of sessions that change from the moment it is made."""

    def __init__(
        self, bus: Bus, session_id: str | None = None, *, gather: float = _GATHER_SECONDS
    ) -> None:
        """Of one session, or of all; `gather`: for how long changes are gathered, in seconds."""
        self._gather = gather
        self._listening = bus.subscribe(session_id)
        self._subscription = self._listening.__enter__()
        self._ids: list[str] = []
        self._first = True

    def __aiter__(self) -> "Followed":
        return self

    async def __anext__(self) -> str:
        while not self._ids:
            if not self._first and self._gather:
                await asyncio.sleep(self._gather)
            self._first = False
            await self._subscription.wait()
            self._ids = sorted(self._subscription.sessions())
        return self._ids.pop(0)

    async def aclose(self) -> None:
        """Stop listening."""
        self._listening.__exit__(None, None, None)
