"""What tools print, at a length that a log can hold; the whole of long outputs goes to the hub.

printed      ├──────────────────────────────────────────────────────┤
in the blob  ├──────────────────────┤ … lost …├─────────────────────┤  at most `kept` bytes
in the log   ├──────┤               … left out …             ├──────┤  at most `logged` bytes
"""

from collections.abc import Callable
from dataclasses import dataclass

from bunkhouse_protocol.events import WholeOutput
from bunkhouse_runner.agents.opencode import tools
from bunkhouse_runner.pictures import name_of

LOGGED_BYTES = 64 * 1024
KEPT_BYTES = 16 * 1024 * 1024
_LINE_BYTES = 64
"""At least what the line takes that says what is missing."""


@dataclass(frozen=True, slots=True)
class Printed:
    """All that a tool printed, or of a very long output its head and its tail."""

    head: bytes
    tail: bytes = b""
    lost: int = 0
    """Bytes between them."""


@dataclass(frozen=True, slots=True)
class Output:
    """An output as the log has it."""

    text: str
    left_out: int = 0
    """Bytes that are missing in the middle, where a line says so."""
    whole: WholeOutput | None = None


@dataclass(frozen=True, slots=True)
class Outputs:
    """Shortens outputs, and keeps the whole of them for the hub."""

    logged: int = LOGGED_BYTES
    kept: int = KEPT_BYTES
    keep: Callable[[bytes], str] = name_of
    """See `AgentContext.keep_text`."""

    @property
    def room(self) -> int:
        """How much of one output can be kept, beside a line that says what is missing."""
        return self.kept - _LINE_BYTES

    def of(self, printed: Printed) -> Output:
        """Return what the log has of an output; a long one is kept whole, up to `kept` bytes."""
        head, tail, lost = printed.head, printed.tail, printed.lost
        size = len(head) + lost + len(tail)
        if size <= self.logged:
            return Output((head + tail).decode(errors="replace"))
        if lost == 0 and size > self.room:
            head, tail = _ends(head + tail, self.room)
            lost = size - len(head) - len(tail)
        whole = tools.between(head, tail, lost) if lost else head + tail
        begin, end = _ends(head + tail, self.logged)
        left_out = size - len(begin) - len(end)
        return Output(
            tools.ends_joined(begin, end, left_out),
            left_out,
            WholeOutput(blob=self.keep(whole), size=len(whole), lost=lost),
        )


def _ends(data: bytes, size: int) -> tuple[bytes, bytes]:
    half = size // 2
    return data[:half], data[-half:]
