"""What OpenCode left on disk about its work, read as the agent's user.

The sandbox's files are the agent's: a path that it names may lead anywhere, so the runner, who is
root, does not open it itself.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

from bunkhouse_runner import processes
from bunkhouse_runner.agents.opencode import tools
from bunkhouse_runner.agents.opencode.outputs import Printed
from bunkhouse_runner.processes import Account

_READ_SECONDS = 15.0
_FILE_BYTES = 1024 * 1024


async def long_output(path: str, account: Account, limit: int) -> Printed | None:
    """Return an output that OpenCode saved: all of it, or its ends where it has over `limit` bytes.

    None: it is not there.
    """
    script = (
        'size=$(wc -c <"$1") && echo "$size" || exit 1;'
        ' if [ "$size" -le "$2" ]; then cat -- "$1";'
        ' else head -c "$3" -- "$1"; tail -c "$3" -- "$1"; fi'
    )
    half = limit // 2
    argv = ["sh", "-c", script, "sh", path, str(limit), str(half)]
    data = await _read(argv, account, account.home)
    if data is None:
        return None
    first, _, content = data.partition(b"\n")
    lost = int(first) - len(content)
    if lost <= 0:
        return Printed(content)
    return Printed(content[:half], content[half:], lost)


async def content_before(snapshot: str, path: str, workspace: Path, account: Account) -> str | None:
    """Return a file's text in one of OpenCode's snapshots of the workspace, or None.

    A snapshot is a tree in a git repository of OpenCode's own, one for each worktree.
    """
    name = tools.relative(path, workspace)
    if name == path:
        return None
    script = (
        'for git in "$HOME"/.local/share/opencode/snapshot/*/*/; do'
        ' size=$(git --git-dir="$git" cat-file -s "$1:$2" 2>/dev/null) || continue;'
        ' [ "$size" -le "$3" ] || exit 1;'
        ' exec git --git-dir="$git" cat-file blob "$1:$2"; done; exit 1'
    )
    argv = ["sh", "-c", script, "sh", snapshot, name, str(_FILE_BYTES)]
    data = await _read(argv, account, account.home)
    if data is None:
        return None
    with contextlib.suppress(UnicodeDecodeError):
        return data.decode()
    return None


async def _read(argv: Sequence[str], account: Account, cwd: Path) -> bytes | None:
    try:
        process = await processes.start(
            argv,
            account,
            cwd=cwd,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return None
    try:
        data, _ = await asyncio.wait_for(process.communicate(), _READ_SECONDS)
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            await processes.end(process, grace=0)
    return data if process.returncode == 0 else None
