"""Where the runner's events go in: gathered into frames, cut to size, written to the spool.

Nothing here raises or waits. Where the spool can't be written (the disk is full) events are held in
memory, up to a limit, and written when there is room again.
"""

import asyncio
import json
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, cast

import structlog

from bunkhouse_protocol.events import EVENT, FRAMES, Event, Notice, Problem
from bunkhouse_runner.frames import WINDOW_SECONDS, Frames
from bunkhouse_runner.spool import Spool

_log = structlog.get_logger("bunkhouse.runner.outbox")

EVENT_CHARACTERS = 512 * 1024
"""Largest event, as JSON; in longer ones, long texts keep their head and tail."""

HELD_EVENTS = 5000
RETRY_SECONDS = 1.0


class Outbox:
    """Takes the session's events, from the runner and from its agent alike."""

    def __init__(self, spool: Spool, window: float = WINDOW_SECONDS) -> None:
        self._spool = spool
        self._frames = Frames(self._write, window)
        self._held: deque[Event] = deque(maxlen=HELD_EVENTS)
        self._retry: asyncio.TimerHandle | None = None
        self.written: Callable[[], None] = lambda: None
        """Called when there is something new in the spool."""

    def emit(self, event: Event) -> None:
        """Take an event. It is in the spool when this returns, but for a chunk that is gathered."""
        self._frames.put(event)

    def flush(self) -> None:
        """Write down what is gathered."""
        self._frames.flush()

    def record(self, event: Event, state: Mapping[str, str | None]) -> None:
        """Take an event together with what it changes in the spool's state: both, or neither.

        Where the spool can't be written the event is held like any other, and the state is lost.
        """
        self.flush()
        self._write(event, state)

    def _write(self, event: Event, state: Mapping[str, str | None] | None = None) -> None:
        if self._held:  # order: nothing overtakes what is held
            self._hold(event)
            return
        try:
            with self._spool.together():
                self._spool.append(fit(event))
                for key, value in (state or {}).items():
                    self._spool.set(key, value)
        except sqlite3.Error as error:
            _log.error("spool_unwritable", error=str(error))
            self._hold(event)
        else:
            self.written()

    def _hold(self, event: Event) -> None:
        if len(self._held) == HELD_EVENTS:
            # Pieces of texts are what can be missed most easily: a final text follows them.
            piece = next((held for held in self._held if held.type in FRAMES), None)
            if piece is not None:
                self._held.remove(piece)
        self._held.append(event)
        if self._retry is None:
            self._retry = asyncio.get_running_loop().call_later(RETRY_SECONDS, self._release)

    def _release(self) -> None:
        self._retry = None
        try:
            with self._spool.together():
                for event in self._held:
                    self._spool.append(fit(event))
                self._spool.append(_FULL)
        except sqlite3.Error:
            self._retry = asyncio.get_running_loop().call_later(RETRY_SECONDS, self._release)
        else:
            self._held.clear()
            self.written()


_FULL = Problem(
    code="storage_full",
    message="The sandbox's disk was full for a while; what happened then may be incomplete.",
    remedy="Have the agent delete what is not needed, or give the sandbox more room.",
)


def fit(event: Event) -> Event:
    """Return the event, cut to `EVENT_CHARACTERS` where it is longer."""
    # Rough and cheap first: almost all events are far below.
    body = EVENT.dump_json(event)
    if len(body) <= EVENT_CHARACTERS:
        return event
    for characters, entries in ((65_536, 2000), (8192, 1000), (1024, 200)):
        cut = _cut(json.loads(body), characters, entries)
        if len(json.dumps(cut)) <= EVENT_CHARACTERS:
            return EVENT.validate_python(cut)
    return Notice(code="event_too_large", message=f"A {event.type} event was too large to keep.")


def _cut(value: Any, characters: int, entries: int) -> Any:
    if isinstance(value, str) and len(value) > characters:
        half = characters // 2
        left_out = len(value) - 2 * half
        return f"{value[:half]}\n… {left_out:,} characters left out …\n{value[-half:]}"
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [_cut(item, characters, entries) for item in items[:entries]]
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {key: _cut(item, characters, entries) for key, item in fields.items()}
    return value
