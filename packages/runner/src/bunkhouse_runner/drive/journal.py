"""The commands that people ran: interactive shells write each into one file.

`/etc/bunkhouse/bashrc` in the image writes it and describes its lines. The agent's user owns it, so
whatever it holds is read with care.
"""

import contextlib
import os
import stat
from pathlib import Path

from bunkhouse_protocol.events import DriveCommand

JOURNAL = Path(".local/state/bunkhouse/commands")
"""Below the agent's home."""
READ_BYTES = 1024 * 1024
"""Of a longer journal, the newest part is read."""
COMMANDS = 200
"""So many of the newest commands are told."""
_FIELDS = 6


class Journal:
    """One account's journal."""

    def __init__(self, home: Path) -> None:
        self._path = home / JOURNAL

    def size(self) -> int:
        """Return its length in bytes: where what follows begins."""
        try:
            return self._path.lstat().st_size
        except OSError:
            return 0

    def since(self, offset: int) -> list[DriveCommand]:
        """Return the commands that began or ended after `offset`, in the order of their lines."""
        found: dict[tuple[str, str], DriveCommand] = {}
        for line in self._read(offset).decode(errors="replace").splitlines():
            fields = line.split("\t")
            if len(fields) != _FIELDS:
                continue
            _, shell, number, status, folder, command = fields
            if status != "-" and _exit_code(status) is None:
                continue
            key = (shell, number)
            if status == "-":
                found[key] = DriveCommand(command=_plain(command), cwd=_plain(folder))
            elif key in found:
                found[key].exit_code = _exit_code(status)
            else:
                found[key] = DriveCommand(
                    command=_plain(command), cwd=_plain(folder), exit_code=_exit_code(status)
                )
        # One that has no end and whose shell is gone ended with it: there is nothing to say of it.
        told = [
            entry
            for (shell, _), entry in found.items()
            if entry.exit_code is not None or _alive(shell)
        ]
        return told[-COMMANDS:]

    def _read(self, offset: int) -> bytes:
        try:
            # The file is the agent's: no pipe may hold us, no link may lead us elsewhere.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(self._path, flags)
        except OSError:
            return b""
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return b""
            # Shorter than it was: it was begun anew.
            begin = offset if offset <= status.st_size else 0
            file.seek(max(begin, status.st_size - READ_BYTES))
            return file.read(READ_BYTES)


def _plain(text: str) -> str:
    parts = text.split("\\\\")
    return "\\".join(part.replace("\\t", "\t").replace("\\n", "\n") for part in parts)


def _exit_code(text: str) -> int | None:
    with contextlib.suppress(ValueError):
        return int(text)
    return None


def _alive(shell: str) -> bool:
    return shell.isdecimal() and Path("/proc", shell).exists()
