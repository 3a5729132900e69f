"""Unix sockets in the folders that sandboxes share with the hub.

Two things about them need care. The kernel takes at most 107 bytes for a socket's path, and a data
folder may well be deeper than that. And what lies in such a folder was put there by a sandbox: a
link in place of a socket must not lead the hub elsewhere. Paths through an open descriptor mend
both.
"""

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def to_bind(path: Path) -> Generator[str]:
    """A short path at which to bind a socket, inside the block.

    Raises:
        OSError: the folder does not exist.
    """
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


@contextmanager
def to_connect(path: Path) -> Generator[str]:
    """A short path by which to connect to the very socket that is there, inside the block.

    Raises:
        OSError: there is none, or what is there is no socket.
    """
    found = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not stat.S_ISSOCK(os.fstat(found).st_mode):
            raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK), str(path))
        yield f"/proc/self/fd/{found}"
    finally:
        os.close(found)
