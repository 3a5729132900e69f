"""Gathers the pieces of streaming texts into frames, and keeps every event in its order.

A model sends some hundreds of pieces a second; as one event each they would be most of the log.
The first piece after a pause goes out at once, so that a reader sees the text begin; what follows
within `window` goes out together.
"""

import asyncio
from collections.abc import Callable

from bunkhouse_protocol.events import (
    FRAMES,
    AgentMessageChunk,
    AgentThoughtChunk,
    Event,
    ToolOutputChunk,
)

Chunk = AgentMessageChunk | AgentThoughtChunk | ToolOutputChunk

WINDOW_SECONDS = 0.04
FRAME_CHARACTERS = 32 * 1024
"""Longer frames are cut in pieces: a hub need not take an event of any size."""


class Frames:
    """Hands events to `sink` in the order in which they were put in."""

    def __init__(self, sink: Callable[[Event], None], window: float = WINDOW_SECONDS) -> None:
        self._sink = sink
        self._window = window
        self._chunk: Chunk | None = None
        self._texts: list[str] = []
        self._length = 0
        self._timer: asyncio.TimerHandle | None = None
        self._last_frame = float("-inf")

    def put(self, event: Event) -> None:
        """Take an event; a piece of a text may wait for those that follow it."""
        if not isinstance(event, AgentMessageChunk | AgentThoughtChunk | ToolOutputChunk):
            self.flush()
            self._sink(event)
            return
        if not event.text:
            return
        if self._chunk is not None and _text_of(self._chunk) != _text_of(event):
            self.flush()
        if self._chunk is None:
            self._chunk = event
        self._texts.append(event.text)
        self._length += len(event.text)
        loop = asyncio.get_running_loop()
        if self._length >= FRAME_CHARACTERS or loop.time() - self._last_frame >= self._window:
            self.flush()
        elif self._timer is None:
            self._timer = loop.call_later(self._window, self.flush)

    def flush(self) -> None:
        """Hand on what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._chunk is None:
            return
        chunk, text = self._chunk, "".join(self._texts)
        self._chunk, self._texts, self._length = None, [], 0
        self._last_frame = asyncio.get_running_loop().time()
        for start in range(0, len(text), FRAME_CHARACTERS):
            piece = text[start : start + FRAME_CHARACTERS]
            self._sink(chunk.model_copy(update={"text": piece}))


def _text_of(chunk: Chunk) -> tuple[str, str]:
    return chunk.type, getattr(chunk, FRAMES[chunk.type])
