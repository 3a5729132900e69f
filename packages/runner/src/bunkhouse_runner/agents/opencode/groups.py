"""The process groups of commands: OpenCode gives each one that it runs a group of its own.

A command that is stopped gets SIGTERM from OpenCode and nothing more. What ignores it lives on, and
once its shell is gone nobody knows whose it was; so the groups are noted before the stop.
"""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

_LOOK_SECONDS = 0.02


async def end(groups: frozenset[int], grace: float) -> None:
    """Give groups that were told to end `grace` seconds; then send SIGKILL to what is left."""
    looks = int(grace / _LOOK_SECONDS)
    for _ in range(looks):
        if not _alive(groups):
            return
        await asyncio.sleep(_LOOK_SECONDS)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


def groups_with(mark: str, since: float) -> frozenset[int]:
    """Return the groups of processes with `mark` in their environment, begun after `since`.

    It finds the commands of an OpenCode that died: nobody is their parent any more. `since` is a
    time of `time.clock_gettime(CLOCK_BOOTTIME)`.
    """
    ticks = os.sysconf("SC_CLK_TCK")
    found: set[int] = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError, IndexError, ValueError):
                fields = _fields(entry)
                late = int(fields[19]) / ticks >= since - 1 / ticks
                if late and mark.encode() in (entry / "environ").read_bytes():
                    found.add(int(fields[2]))
    return frozenset(found - {os.getpgrp(), 0})


def _fields(entry: Path) -> list[str]:
    """Return the fields of /proc/PID/stat from the third (the state) on.

    The second, the program's name in parentheses, may hold spaces and parentheses.
    """
    return (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()


def _alive(groups: frozenset[int]) -> bool:
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, 0)
            return True
    return False
