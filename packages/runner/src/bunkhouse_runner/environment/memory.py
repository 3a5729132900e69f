"""How much memory parts of the sandbox hold, from `/proc`.

Counted is what processes hold by themselves (`RssAnon`): programs and libraries that are mapped
from files are shared, and the kernel lets go of them when memory is short. (Proportional sizes
would need a capability that the sandbox is not given.)
"""

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TMUX_SERVER = "tmux: server"


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    parent: int
    name: str
    held: int


class Memory:
    """One look at all processes."""

    def __init__(self) -> None:
        self._found = {one.pid: one for one in _look()}
        self._children: dict[int, list[int]] = {}
        for one in self._found.values():
            self._children.setdefault(one.parent, []).append(one.pid)

    def below(self, roots: Iterable[int]) -> set[int]:
        """Return these processes and all that they started, as far as they live."""
        found: set[int] = set()
        waiting = list(roots)
        while waiting:
            pid = waiting.pop()
            if pid in self._found and pid not in found:
                found.add(pid)
                waiting += self._children.get(pid, ())
        return found

    def terminals(self) -> set[int]:
        """Return the terminals' server and what runs in it."""
        named = (one.pid for one in self._found.values() if one.name.startswith(TMUX_SERVER))
        return self.below(named)

    def rest(self, others: set[int]) -> set[int]:
        """Return everything but these and the runner: the agent, and what it started."""
        return set(self._found) - others - {1, os.getpid()}

    def held(self, processes: Iterable[int]) -> int:
        """Add up what these hold, in bytes."""
        return sum(self._found[pid].held for pid in processes)


def _look() -> Iterable[_Process]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError, ValueError):
                lines = (entry / "status").read_text(errors="replace").splitlines()
                fields = dict(line.split(":", 1) for line in lines if ":" in line)
                kibibytes = fields.get("RssAnon", "0 kB").split()[0]
                yield _Process(
                    int(entry.name),
                    int(fields["PPid"]),
                    fields["Name"].strip(),
                    int(kibibytes) * 1024,
                )
