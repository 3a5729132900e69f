"""The Unix sockets on which the sandbox listens for the hub."""

import socket
from pathlib import Path

BACKLOG = 128


def listen(path: Path) -> socket.socket:
    """Listen at a path, in place of what was there. Raises OSError where that can't be."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    path.unlink(missing_ok=True)
    # Mounted from the hub's machine, or not there where the hub is dialled by its URL.
    path.parent.mkdir(parents=True, exist_ok=True)
    listening.bind(str(path))
    # Who may reach the folder may connect: the hub need not be root.
    path.chmod(0o666)
    listening.listen(BACKLOG)
    return listening
