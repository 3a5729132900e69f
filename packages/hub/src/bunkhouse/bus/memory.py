"""The bus of one process."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from bunkhouse.bus import Topic


class _Subscription:
    def __init__(self) -> None:
        self._there = asyncio.Event()
        self._sessions: set[str] = set()

    def push(self, session_id: str) -> None:
        self._sessions.add(session_id)
        self._there.set()

    async def wait(self) -> None:
        await self._there.wait()
        self._there.clear()

    def sessions(self) -> set[str]:
        taken, self._sessions = self._sessions, set()
        return taken


class MemoryBus:
    """Pointers between the tasks of one hub. A slow subscriber costs one set, and slows nobody."""

    def __init__(self) -> None:
        self._groups: dict[tuple[Topic, str | None], set[_Subscription]] = {}

    def publish(self, session_id: str, topic: Topic = "log") -> None:
        """Wake all who listen to this session, or to all."""
        for listened in (session_id, None):
            for subscription in self._groups.get((topic, listened), ()):
                subscription.push(session_id)

    @contextmanager
    def subscribe(
        self, session_id: str | None = None, topic: Topic = "log"
    ) -> Generator[_Subscription]:
        """Listen until the block ends."""
        key = (topic, session_id)
        subscription = _Subscription()
        self._groups.setdefault(key, set()).add(subscription)
        try:
            yield subscription
        finally:
            self._groups[key].discard(subscription)
            if not self._groups[key]:
                del self._groups[key]
