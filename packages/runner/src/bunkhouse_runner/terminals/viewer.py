"""Who looks at a terminal: what is on its way to them, within limits."""

import asyncio
from collections import deque

VIEWER_BYTES = 1024 * 1024
"""Who is behind by more gets no more of it, but a picture of the terminal once they take again."""
MESSAGE_BYTES = 64 * 1024


class Viewer:
    """One who looks: a queue of bytes. `rows` and `cols` are what they have room for."""

    def __init__(self, rows: int, cols: int) -> None:
        self.rows = rows
        self.cols = cols
        self.behind = True
        """Has missed something: is to be sent a picture before anything else."""
        self.ended = False
        self.size: tuple[int, int] | None = None
        """The terminal's rows and columns, where they have yet to be told."""
        self._parts: deque[bytes] = deque()
        self._waiting = 0
        self._limit = VIEWER_BYTES
        self._changed = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many bytes are on their way."""
        return self._waiting

    def put(self, data: bytes) -> None:
        """Take what was printed."""
        if self.behind:
            return
        if self._waiting + len(data) > self._limit:
            self._clear()
            self.behind = True
        else:
            self._add(data)
        self._changed.set()

    def show(self, picture: bytes) -> None:
        """Take a picture of the terminal; what is printed from now on belongs to it."""
        self._clear()
        self.behind = False
        self._limit = VIEWER_BYTES + len(picture)
        self._add(picture)
        self._changed.set()

    def tell_size(self, rows: int, cols: int) -> None:
        """Tell the terminal's size, where it is not what the viewer has room for."""
        self.size = None if (rows, cols) == (self.rows, self.cols) else (rows, cols)
        self._changed.set()

    def end(self) -> None:
        """Nothing more comes."""
        self.ended = True
        self._changed.set()

    def take(self) -> bytes:
        """Return what can be sent in one message; nothing where nothing waits."""
        taken = bytearray()
        while self._parts and len(taken) < MESSAGE_BYTES:
            taken += self._parts.popleft()
        if len(taken) > MESSAGE_BYTES:
            self._parts.appendleft(bytes(taken[MESSAGE_BYTES:]))
            del taken[MESSAGE_BYTES:]
        self._waiting -= len(taken)
        return bytes(taken)

    async def changed(self) -> None:
        """Wait until there is something to send or to know."""
        while not (self._parts or self.behind or self.size or self.ended):
            self._changed.clear()
            await self._changed.wait()

    def _add(self, data: bytes) -> None:
        self._parts.append(data)
        self._waiting += len(data)

    def _clear(self) -> None:
        self._parts.clear()
        self._waiting = 0
