"""The workspace as it is, kept as a git tree; later, what differs from it.

The tree holds untracked files too, without those that `.gitignore` names. Its objects are in a
folder of their own, so that the repository shows no trace of it.
"""

import asyncio
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from bunkhouse_protocol.events import ChangedFile
from bunkhouse_runner import changes
from bunkhouse_runner.errors import WorkspaceUnreadable
from bunkhouse_runner.git import Git
from bunkhouse_runner.processes import Account

FOLDER = Path(".local/state/bunkhouse/snapshot")
"""Below the agent's home."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A tree, and the untracked files that are too large to be in it."""

    tree: str
    large: list[str]


@dataclass(frozen=True, slots=True)
class Difference:
    """What is other than in a snapshot."""

    files: list[ChangedFile]
    diff: str
    truncated: bool


class Snapshots:
    """Keeps one snapshot: the newest."""

    def __init__(self, workspace: Path, account: Account) -> None:
        self._git = Git(workspace, account)
        self._account = account
        self._objects = account.home / FOLDER

    async def take(self) -> Snapshot:
        """Remember the workspace as it is. Raises WorkspaceUnreadable."""
        try:
            await asyncio.to_thread(self._make_folder)
            async with changes.copy_of_index(self._git, self._objects) as env:
                large = await changes.add_all(self._git, env)
                tree = changes.must(await self._git.run(*changes.CONFIG, "write-tree", env=env))
        except OSError as error:
            raise _unreadable(error) from error
        return Snapshot(tree.text, large)

    async def compare(self, snapshot: Snapshot, limit: int) -> Difference:
        """Say what differs; the diff is at most `limit` bytes. Raises WorkspaceUnreadable."""
        git = self._git
        try:
            async with changes.copy_of_index(git) as env:
                known = env["GIT_ALTERNATE_OBJECT_DIRECTORIES"]
                both = os.pathsep.join([known, changes.quoted(self._objects)])
                env["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = both
                large = await changes.add_all(git, env)
                files = await changes.differing(git, env, snapshot.tree)
                result = await changes.diff_of(git, env, snapshot.tree, limit)
        except OSError as error:
            raise _unreadable(error) from error
        too_long = len(result.out) > limit
        diff = result.out[: result.out.rfind(b"\n", 0, limit) + 1] if too_long else result.out
        new = [path for path in large if path not in snapshot.large]
        files += [ChangedFile(path=path, status="added", binary=True) for path in new]
        files.sort(key=lambda file: file.path)
        return Difference(files, diff.decode(errors="replace"), too_long)

    def _make_folder(self) -> None:
        shutil.rmtree(self._objects, ignore_errors=True)
        missing = [path for path in self._objects.parents if not path.exists()]
        self._objects.mkdir(parents=True)
        for path in (self._objects, *missing):
            self._account.own(path)


def _unreadable(error: OSError) -> WorkspaceUnreadable:
    return WorkspaceUnreadable(
        "workspace_unreadable", f"The workspace can't be read: {error.strerror or error}."
    )
