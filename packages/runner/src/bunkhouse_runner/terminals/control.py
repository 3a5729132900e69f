r"""Tmux's control mode: commands go in as lines, answers and output come back as lines.

`%output %3 text` is what a program printed, with control characters and backslashes as `\ooo`. The
answer to a command stands between `%begin` and `%end` (or `%error`). Answers and output are in the
order in which things happened, so an answer tells of the terminal as it is after the output before
it and before the output after it.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from bunkhouse_runner import processes

CHUNK_BYTES = 64 * 1024
_ESCAPES = [(f"\\{code:03o}".encode(), bytes([code])) for code in (*range(32), 0o177)]
_BACKSLASH = b"\\134"

Answers = list[list[bytes]]
"""For each command, the lines of its answer."""


@dataclass(slots=True)
class _Asked:
    commands: int
    done: Callable[[Answers | None], None]
    answers: Answers = field(default_factory=Answers)


class Control:
    """One client in control mode. `heard` gets the output of `pane`."""

    def __init__(
        self, process: asyncio.subprocess.Process, pane: str, heard: Callable[[bytes], None]
    ) -> None:
        self._process = process
        self._output = f"%output {pane} ".encode()
        self._heard = heard
        self._asked: deque[_Asked] = deque()
        self._block: list[bytes] | None = None
        self._end: tuple[bytes, bytes] = (b"", b"")
        self._ours = False
        self._ended = False

    async def run(self) -> None:
        """Read until tmux says good-bye, or is gone."""
        printed, _ = processes.piped(self._process)
        rest = b""
        try:
            while data := await printed.read(CHUNK_BYTES):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._take(line)
        finally:
            self._ended = True
            while self._asked:
                self._asked.popleft().done(None)

    def ask(self, commands: list[str], done: Callable[[Answers | None], None]) -> None:
        """Have commands carried out with nothing in between.

        `done` gets their answers as soon as these are read, before any output after them; None if
        one failed, or tmux is gone.
        """
        if self._ended or self._process.stdin is None:
            done(None)
            return
        self._asked.append(_Asked(len(commands), done))
        self._process.stdin.write(" ; ".join(commands).encode() + b"\n")

    async def command(self, *commands: str) -> Answers | None:
        """Like `ask`, for those who need not be there at once."""
        future: asyncio.Future[Answers | None] = asyncio.get_running_loop().create_future()

        def done(answers: Answers | None) -> None:
            if not future.done():
                future.set_result(answers)

        self.ask(list(commands), done)
        return await future

    async def close(self) -> None:
        """Detach; what runs in the terminal stays."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            await processes.end(self._process, grace=1.0)

    def _take(self, line: bytes) -> None:
        if self._block is not None:
            if line in self._end:
                self._answered(self._block, failed=line == self._end[1])
                self._block = None
            else:
                self._block.append(line)
        elif line.startswith(self._output):
            self._heard(unescaped(line[len(self._output) :]))
        elif line.startswith(b"%begin "):
            which = line[len(b"%begin ") :]
            self._end = (b"%end " + which, b"%error " + which)
            # The first block belongs to the attaching itself.
            self._ours = which.endswith(b" 1")
            self._block = []

    def _answered(self, lines: list[bytes], *, failed: bool) -> None:
        if not self._ours or not self._asked:
            return
        asked = self._asked[0]
        asked.answers.append(lines)
        if failed or len(asked.answers) == asked.commands:
            # Commands after one that failed are not carried out.
            self._asked.popleft()
            asked.done(None if failed else asked.answers)


def unescaped(text: bytes) -> bytes:
    r"""Undo the escapes of `%output`. Every backslash in it begins one, so order is harmless."""
    if b"\\" not in text:
        return text
    for escape, character in _ESCAPES:
        text = text.replace(escape, character)
    return text.replace(_BACKSLASH, b"\\")
