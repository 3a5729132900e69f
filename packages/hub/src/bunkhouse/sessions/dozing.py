"""Which sessions nobody uses, and having those go to sleep."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from bunkhouse.errors import BunkhouseError, Conflict, NotFound
from bunkhouse.sessions import sandbox_gateway, sleeping, turns
from bunkhouse.sessions.journal import Journal
from bunkhouse.sessions.lifecycle import SANDBOX_STATES
from bunkhouse.sessions.reaching import Reaching
from bunkhouse.sessions.usage import Usage
from bunkhouse.settings import Settings
from bunkhouse.store import sessions
from bunkhouse.store.sessions import SessionRow
from bunkhouse_protocol.events import Notice, SessionState

_ASK_SECONDS = 5.0
_SHELLS = frozenset({"bash", "sh", "zsh", "fish", "dash"})
"""What runs in a terminal that waits for a command."""

_TAKE_ROOM: tuple[SessionState, ...] = (
    *SANDBOX_STATES, "queued", "restoring", "hibernating", "failed",
)  # fmt: skip


class Dozing:
    """Puts to sleep what is not used."""

    def __init__(
        self,
        journal: Journal,
        reaching: Reaching,
        usage: Usage,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._journal = journal
        self._reaching = reaching
        self._usage = usage
        self._settings = settings
        self._clock = clock

    def due(self, row: SessionRow) -> bool:
        """Whether an idle session was unused for long enough, for all that the hub knows."""
        after = self._after(row)
        if after == 0 or not self._unused(row):
            return False
        return self._clock() - self._last(row) >= after

    async def doze(self, session_id: str) -> None:
        """Have a session go to sleep for which it is time, unless something runs in a terminal."""
        if await self._busy(session_id):
            self._usage.touch(session_id)
            return
        with suppress(NotFound, Conflict):
            async with self._journal.change(session_id) as change:
                if await sleeping.at_rest(change) and self.due(change.row):
                    reason = f"nobody used it for {_words(self._after(change.row))}"
                    await sleeping.hibernate(change, "hub", reason)

    async def make_room(self, waiting: set[str], author: str | None = None) -> None:
        """Have as many sessions go to sleep as those that wait need room for.

        Those go first that were unused the longest. `author`: those of this person, whose own limit
        is reached.
        """
        if not self._settings.hibernate_for_room:
            return
        async with self._journal.database.read() as tx:
            found = await sessions.in_states(tx, *_TAKE_ROOM)
        limit = self._settings.max_sandboxes
        if author is not None:
            limit = self._settings.max_sandboxes_per_person
        rows = [row for row in found if author in (None, row.author_id)]
        there = [row for row in rows if row.id not in waiting and _takes_room(row)]
        leaving = sum(row.state == "hibernating" for row in there)
        room = limit - len(there) + leaving
        short = sum(row.id in waiting for row in rows) - room
        unused = [row for row in there if row.hibernate_after != 0 and self._unused(row)]
        for row in sorted(unused, key=self._last):
            if short <= 0:
                return
            if not await self._busy(row.id):
                short -= await self._give_way(row)

    async def _give_way(self, row: SessionRow) -> bool:
        with suppress(NotFound, Conflict):
            async with self._journal.change(row.id) as change:
                if change.row.state_at == row.state_at and await sleeping.at_rest(change):
                    said = "It was put to sleep to make room for another session."
                    change.record(Notice(code="made_room", message=said))
                    await sleeping.hibernate(change, "hub", "it made room for another session")
                    return True
        return False

    def _after(self, row: SessionRow) -> int:
        own = row.hibernate_after
        return self._settings.hibernate_after if own is None else own

    def _unused(self, row: SessionRow) -> bool:
        if row.state != "idle" or row.driver is not None or turns.rewind_due(row):
            return False
        return not self._usage.in_use(row.id)

    def _last(self, row: SessionRow) -> float:
        return max(sleeping.last_used(row), self._usage.last(row.id))

    async def _busy(self, session_id: str) -> bool:
        """Whether a program runs in a terminal; not, where that can't be found out."""
        with suppress(BunkhouseError, TimeoutError):
            async with asyncio.timeout(_ASK_SECONDS):
                socket = await self._reaching.socket(session_id, "gateway")
                found = await sandbox_gateway.terminals(socket)
            return any(terminal.title not in _SHELLS for terminal in found.terminals)
        return False


def _takes_room(row: SessionRow) -> bool:
    return row.state != "failed" or row.sandbox_id is not None


def _words(seconds: int) -> str:
    if seconds >= 7200:
        return f"{seconds // 3600} hours"
    return f"{seconds // 60} minutes" if seconds >= 120 else f"{seconds} seconds"
