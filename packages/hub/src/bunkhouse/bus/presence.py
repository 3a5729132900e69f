"""Who looks at a session, and who types: known while it is so, and written down nowhere.

`MemoryPresence` serves one hub. What a person does is kept for a short time and has to be said
again: a connection that died without a word is gone from here soon after. The bus says in whose
session something changed (topic `presence`).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bunkhouse.bus import Bus

LOOK_SECONDS = 45.0
"""How long somebody counts as looking after their connection last took something."""
TYPING_SECONDS = 6.0
"""How long somebody counts as typing after they last said so."""
_SWEEP_SECONDS = 1.0
MOST = 50
"""People kept of one session; further ones look on unnamed."""


@dataclass(frozen=True, slots=True)
class Who:
    """A person at a browser. Two of their tabs are one; another browser of theirs is another."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody who is there."""

    id: str
    name: str
    typing: bool


class Look:
    """One connection's look at a session. Has to be refreshed within `LOOK_SECONDS`."""

    def __init__(self, refresh: Callable[[], None]) -> None:
        self.refresh = refresh


@dataclass(slots=True)
class _Entry:
    name: str
    looks: dict[int, float] = field(default_factory=dict[int, float])
    """Until when, by connection."""
    typing_until: float = 0.0


class MemoryPresence:
    """The presence of one hub. `run` lets it expire."""

    def __init__(self, bus: Bus, clock: Callable[[], float] = time.monotonic) -> None:
        self._bus = bus
        self._clock = clock
        self._sessions: dict[str, dict[str, _Entry]] = {}
        self._shown: dict[str, list[Present]] = {}
        self._next = 0

    @contextmanager
    def look(self, session_id: str, who: Who) -> Generator[Look]:
        """Be there until the block ends, or until it is not refreshed any more."""
        self._next += 1
        number = self._next

        def refresh() -> None:
            entry = self._entry(session_id, who)
            if entry is not None:
                entry.looks[number] = self._clock() + LOOK_SECONDS
                self._tell(session_id)

        refresh()
        try:
            yield Look(refresh)
        finally:
            entry = self._sessions.get(session_id, {}).get(who.id)
            if entry is not None:
                entry.looks.pop(number, None)
                if not entry.looks:
                    entry.typing_until = 0.0  # whoever leaves has stopped typing
                self._tell(session_id)

    def type(self, session_id: str, who: Who, *, typing: bool) -> None:
        """Say that somebody types, for the next seconds, or does not any more."""
        entry = self._entry(session_id, who)
        if entry is not None:
            entry.typing_until = self._clock() + TYPING_SECONDS if typing else 0.0
            self._tell(session_id)

    def of(self, session_id: str) -> list[Present]:
        """Who is there, in the order in which they came."""
        now = self._clock()
        return [
            Present(key, entry.name, typing=entry.typing_until > now)
            for key, entry in self._sessions.get(session_id, {}).items()
            if _is_there(entry, now)
        ]

    def sessions(self) -> list[str]:
        """The sessions in which somebody is."""
        return [session_id for session_id in self._sessions if self.of(session_id)]

    async def follow(self) -> AsyncIterator[str]:
        """Give the ids of sessions in which something changes from now on."""
        with self._bus.subscribe(topic="presence") as subscription:
            while True:
                await subscription.wait()
                for session_id in sorted(subscription.sessions()):
                    yield session_id

    async def run(self) -> None:
        """Let what is not said again expire, until cancelled."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            self.sweep()

    def sweep(self) -> None:
        """Forget whose time is over, and tell."""
        now = self._clock()
        for session_id, entries in list(self._sessions.items()):
            for key, entry in list(entries.items()):
                entry.looks = {n: until for n, until in entry.looks.items() if until > now}
                if not _is_there(entry, now):
                    del entries[key]
            self._tell(session_id)
            if not entries:
                del self._sessions[session_id]

    def _entry(self, session_id: str, who: Who) -> _Entry | None:
        entries = self._sessions.setdefault(session_id, {})
        if who.id not in entries and len(entries) >= MOST:
            return None
        return entries.setdefault(who.id, _Entry(who.name))

    def _tell(self, session_id: str) -> None:
        """Tell only what looks different now."""
        present = self.of(session_id)
        if present == self._shown.get(session_id, []):
            return
        if present:
            self._shown[session_id] = present
        else:
            self._shown.pop(session_id, None)
        self._bus.publish(session_id, "presence")


def _is_there(entry: _Entry, now: float) -> bool:
    return entry.typing_until > now or any(until > now for until in entry.looks.values())
