"""Gives the files of a folder back from a range of ids outside to the ids that they stand for.

Run by the text of this file, in a container that has the folder and nothing else of its machine:
`python -c TEXT FOLDER USERS GROUPS`, both ranges as `INSIDE:OUTSIDE:SIZE`. What is in the folder
was written by a sandbox: no link in it is followed, nothing in it is opened. It may be run again.
"""

import os
import stat
import struct
import sys

DONE = "all files are given back"

CAPABILITY = "security.capability"
_WITH_ROOT = 0x03000000
_WITHOUT_ROOT = 0x02000000
_REVISIONS = 0xFF000000


def inside(number: int, span: str) -> int:
    """The id that one outside stands for; one that is not in the range stays."""
    first, outside, size = map(int, span.split(":"))
    return number - outside + first if outside <= number < outside + size else number


def give_back(folder: str, users: str, groups: str) -> int:
    """Change the owners of all that is below, and of the folder; returns how many there were."""
    changed = 0
    for _, folders, files, at in os.fwalk(folder, follow_symlinks=False):
        # The folder itself too, and links to folders, which are never walked into.
        for name in (".", *files, *folders):
            found = os.stat(name, dir_fd=at, follow_symlinks=False)
            owner, group = inside(found.st_uid, users), inside(found.st_gid, groups)
            if (owner, group) == (found.st_uid, found.st_gid):
                continue
            regular = stat.S_ISREG(found.st_mode)
            path = f"/proc/self/fd/{at}/{name}"
            capability = _capability(path) if regular else None
            os.chown(name, owner, group, dir_fd=at, follow_symlinks=False)
            changed += 1
            # To give a file away takes these from it.
            if regular and found.st_mode & (stat.S_ISUID | stat.S_ISGID):
                os.chmod(name, stat.S_IMODE(found.st_mode), dir_fd=at)
            if capability is not None:
                os.setxattr(path, CAPABILITY, capability, follow_symlinks=False)
    return changed


def _capability(path: str) -> bytes | None:
    """A program's capabilities, without the root of the user namespace for which they counted."""
    try:
        value = os.getxattr(path, CAPABILITY, follow_symlinks=False)
    except OSError:
        return None
    (head,) = struct.unpack_from("<I", value)
    if head & _REVISIONS == _WITH_ROOT:
        return struct.pack("<I", head & ~_REVISIONS | _WITHOUT_ROOT) + value[4:20]
    return value


if __name__ == "__main__":
    give_back(*sys.argv[1:4])
    print(DONE)
