"""The end of what a service's programs print, to tell why they failed."""

import asyncio
import contextlib
import os
from collections.abc import Generator

KEPT_BYTES = 2000
_CHUNK = 65536
_SETTLE_SECONDS = 0.05


class Output:
    """Reads a pipe that the programs write to.

    A pipe of our own: `Process.wait` would wait until nobody holds those that it made.
    """

    def __init__(self) -> None:
        self._kept = b""
        self._reading: int | None = None
        self._writing: int | None = None

    @contextlib.contextmanager
    def taken(self) -> Generator[int]:
        """Give the descriptor for a program to write to."""
        if self._writing is None:
            self._reading, self._writing = os.pipe()
            os.set_blocking(self._reading, False)
            asyncio.get_running_loop().add_reader(self._reading, self._read)
        yield self._writing

    def _read(self) -> None:
        if self._reading is not None:
            with contextlib.suppress(BlockingIOError):
                self._kept = (self._kept + os.read(self._reading, _CHUNK))[-KEPT_BYTES:]

    async def settled(self) -> None:
        """Wait for the last words of a program that has ended."""
        await asyncio.sleep(_SETTLE_SECONDS)

    def text(self) -> str:
        """Return what was printed last."""
        return self._kept.decode(errors="replace").strip()

    def forget(self) -> None:
        """Begin anew."""
        self._kept = b""

    def close(self) -> None:
        """Close the pipe."""
        if self._reading is not None and self._writing is not None:
            asyncio.get_running_loop().remove_reader(self._reading)
            os.close(self._reading)
            os.close(self._writing)
            self._reading = self._writing = None
