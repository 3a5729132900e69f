"""One terminal that is looked at: what it prints goes to all viewers, what they type into it."""

import asyncio

import structlog

from bunkhouse_runner.terminals import painting
from bunkhouse_runner.terminals.control import Answers, Control
from bunkhouse_runner.terminals.questions import Questions
from bunkhouse_runner.terminals.viewer import Viewer

_log = structlog.get_logger("bunkhouse.runner.terminals")

KEYS_BYTES = 512
"""Of what is typed, so much goes in one command."""
LARGEST_SIZE = 1000


class Screen:
    """Attached to one pane of tmux. Sizes are rows and columns."""

    def __init__(self, process: asyncio.subprocess.Process, pane: str) -> None:
        self._pane = pane
        self._control = Control(process, pane, self._heard)
        self._questions = Questions()
        self._size: tuple[int, int] | None = None
        self.viewers: list[Viewer] = []
        self._reading = asyncio.create_task(self._read())

    @property
    def ended(self) -> bool:
        """Whether the terminal is gone, or tmux lost us."""
        return self._reading.done()

    def join(self, viewer: Viewer) -> None:
        """Have a viewer get what is printed, once they were sent a picture."""
        self.viewers.append(viewer)
        if self.ended:
            viewer.end()

    def leave(self, viewer: Viewer) -> None:
        """Have a viewer get no more."""
        self.viewers.remove(viewer)

    async def paint(self, viewer: Viewer) -> None:
        """Send a viewer the terminal as it is, with what was printed before."""

        def done(answers: Answers | None) -> None:
            # Here, between the output before and after: nothing is missed and nothing comes twice.
            if answers is not None:
                viewer.show(painting.paint(answers))
            painted.set()

        painted = asyncio.Event()
        self._control.ask(painting.commands(self._pane), done)
        await painted.wait()

    async def resize(self, viewer: Viewer, rows: int, cols: int) -> None:
        """Give the terminal the size that a viewer has room for; the latest wins."""
        viewer.rows, viewer.cols = (max(1, min(size, LARGEST_SIZE)) for size in (rows, cols))
        await self._fit(viewer)

    async def send(self, viewer: Viewer, data: bytes) -> None:
        """Type something; returns when tmux has it."""
        await self._fit(viewer)
        for start in range(0, len(data), KEYS_BYTES):
            keys = data[start : start + KEYS_BYTES].hex(" ")
            await self._control.command(f"send-keys -t {self._pane} -H {keys}")

    async def close(self) -> None:
        """Detach from the terminal."""
        await self._control.close()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _fit(self, viewer: Viewer) -> None:
        size = viewer.rows, viewer.cols
        if size == self._size:
            viewer.tell_size(*size)
            return
        self._size = size
        await self._control.command(
            f"resize-window -t {self._pane} -x {viewer.cols} -y {viewer.rows}"
        )
        for other in self.viewers:
            other.tell_size(*size)

    def _heard(self, data: bytes) -> None:
        printed = self._questions.without(data)
        if printed:
            for viewer in self.viewers:
                viewer.put(printed)

    async def _read(self) -> None:
        try:
            await self._control.run()
        except OSError as error:
            _log.warning("terminal_lost", error=str(error))
        finally:
            for viewer in self.viewers:
                viewer.end()
