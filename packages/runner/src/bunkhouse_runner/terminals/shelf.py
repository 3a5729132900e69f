"""Terminals that outlast a stop of the sandbox: where they were, and what had been printed in them.

The texts are files in the agent's home, written and read by the agent's own programs alone; which
terminals there were is in the runner's memory. What ran in them does not come back.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

HISTORY_LINES = 10_000
FOLDER = Path(".local/state/bunkhouse/terminals")
"""Below the agent's home."""
_KEY = "kept"

SHOW = r"""
text=$(sed 's/ *$//' "$1" 2>/dev/null)
[ -z "$text" ] || printf '%s\n\033[m\033[2m%s\033[m\n' "$text" "$2"
rm -f "$1"
exec bash
"""
"""Prints a text without the empty lines at its end, and goes on as a shell."""
WORDS = "── the sandbox was stopped here and has started again ──"


@dataclass(frozen=True, slots=True)
class Kept:
    """A terminal, put down."""

    id: str
    cwd: str
    rows: int
    cols: int


class Memory(Protocol):
    """Where to write down which there were."""

    def get(self, key: str) -> str | None:
        """Return what was stored, or None."""
        ...

    def set(self, key: str, value: str | None) -> None:
        """Store a value; None forgets it."""
        ...


def put(memory: Memory, terminals: list[Kept]) -> None:
    """Write down which terminals there are."""
    memory.set(_KEY, json.dumps([asdict(one) for one in terminals]) if terminals else None)


def take(memory: Memory) -> list[Kept]:
    """Return those that were written down, once."""
    said = memory.get(_KEY)
    memory.set(_KEY, None)
    return [Kept(**one) for one in json.loads(said)] if said else []
