"""Which sessions people use just now, beside what the store knows of turns and drivers.

Kept in memory: a hub that starts takes every session for one that was used a moment ago.
"""

import asyncio
import time
from collections.abc import Callable


class Usage:
    """What people have open in sandboxes, and when they last did something there.

    Times are seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._began = clock()
        self._last: dict[str, float] = {}
        self._open: dict[str, list[asyncio.StreamWriter]] = {}

    def touch(self, session_id: str) -> None:
        """Somebody does something in its sandbox."""
        self._last[session_id] = self._clock()

    def hold(self, session_id: str, writer: asyncio.StreamWriter) -> None:
        """Somebody has a stream into its sandbox open, until that is closed."""
        self.touch(session_id)
        self._open.setdefault(session_id, []).append(writer)

    def in_use(self, session_id: str) -> bool:
        """Whether a stream into its sandbox is open."""
        writers = self._open.get(session_id, [])
        still = [writer for writer in writers if not writer.is_closing()]
        if still:
            self._open[session_id] = still
            self.touch(session_id)
        else:
            self._open.pop(session_id, None)
        return bool(still)

    def last(self, session_id: str) -> float:
        """When somebody last did something there; when this hub began, if not since."""
        return self._last.get(session_id, self._began)

    def forget(self, session_id: str) -> None:
        """The session is gone."""
        self._last.pop(session_id, None)
        self._open.pop(session_id, None)
