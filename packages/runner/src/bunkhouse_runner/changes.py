"""What a workspace differs in from a commit, without leaving a trace in it.

Git compares a commit with an *index*. So a copy of the workspace's index is brought up to date with
the files (`git add -A`), its new objects going to a folder of their own, and both are thrown away
afterwards. All of it runs as the agent's user.
"""

import asyncio
import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path

from bunkhouse_protocol.events import ChangedFile
from bunkhouse_protocol.gateway import Changes
from bunkhouse_runner.errors import WorkspaceUnreadable
from bunkhouse_runner.git import Git, Result

DIFF_BYTES = 4 * 1024 * 1024
LARGE_FILE_BYTES = 32 * 1024 * 1024
"""Untracked files above this are listed, but neither read nor shown."""

# Whatever the agent has configured: the diff is one that `git apply` takes.
_PLAIN = (
    "--cached", "--no-color", "--no-ext-diff", "--no-textconv", "--no-relative",
    "--submodule=short", "--find-renames", "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip
# What is written is thrown away: it need be neither small nor safe.
_FAST = {"core.fsmonitor": "false", "core.fsync": "none", "core.looseCompression": "0"}
CONFIG = (
    "-c", "core.quotePath=false",
    *(part for key, value in _FAST.items() for part in ("-c", f"{key}={value}")),
)  # fmt: skip
_LETTERS = {"A": "added", "D": "deleted", "R": "renamed", "C": "added"}


async def read(git: Git, base: str | None, limit: int = DIFF_BYTES) -> Changes:
    """Compare the workspace with `base` (None: with nothing at all).

    `limit` is the longest diff, in bytes; with 0 there is none, only the list of files.

    Raises:
        WorkspaceUnreadable: git can't say.
    """
    try:
        async with copy_of_index(git) as env:
            large = await add_all(git, env)
            tree = base or must(await git.run("hash-object", "-t", "tree", "/dev/null")).text
            files = await differing(git, env, tree)
            if limit <= 0:
                return _changes(base, files, large, b"", complete=not files)
            binary = _binary_bytes(git.folder, files) <= limit // 2
            result = await diff_of(git, env, tree, limit, *(["--binary"] if binary else []))
    except OSError as error:
        raise WorkspaceUnreadable(
            "workspace_unreadable", f"The workspace can't be read: {error.strerror or error}."
        ) from error
    too_long = len(result.out) > limit
    if not too_long:
        must(result)
    diff = _whole_files(result.out[:limit]) if too_long else result.out
    return _changes(base, files, large, diff, complete=binary and not too_long)


async def add_all(git: Git, env: Mapping[str, str], config: Sequence[str] = CONFIG) -> list[str]:
    """Bring the copy of the index up to date with the files; return those that are too large."""
    large = await _large_untracked(git, env)
    leave = [f":(top,exclude,literal){path}" for path in large]
    # Files that git can't read, and repositories without a commit, are left out.
    await git.run(
        *config, "add", "--all", "--ignore-errors", "--pathspec-from-file=-",
        "--pathspec-file-nul", env=env, stdin=os.fsencode("\0".join([":/", *leave])),
    )  # fmt: skip
    return large


async def differing(git: Git, env: Mapping[str, str], tree: str) -> list[ChangedFile]:
    """Return the files in which the copy of the index differs from a tree."""
    command = (*CONFIG, "diff", *_PLAIN, "--raw", "--numstat", "-z", tree)
    return parse(must(await git.run(*command, env=env)).out)


async def diff_of(git: Git, env: Mapping[str, str], tree: str, limit: int, *options: str) -> Result:
    """Return the diff itself: a little more than `limit` bytes of it where it is longer."""
    return await git.run(*CONFIG, "diff", *_PLAIN, *options, tree, env=env, limit=limit)


def _changes(
    base: str | None, files: list[ChangedFile], large: list[str], diff: bytes, *, complete: bool
) -> Changes:
    unread = [
        ChangedFile(path=_shown(os.fsencode(path)), status="added", binary=True) for path in large
    ]
    return Changes(
        base=base,
        files=sorted([*files, *unread], key=lambda file: file.path),
        diff=diff.decode(errors="replace"),
        truncated=bool(large) or not complete,
    )


@contextlib.asynccontextmanager
async def copy_of_index(git: Git, keep: Path | None = None) -> AsyncGenerator[dict[str, str]]:
    """Yield the environment in which git works on the copy.

    `keep` is a folder of the account's for new objects, if these are not to be thrown away.
    """
    asked = ("--git-path", "index", "--git-path", "objects")
    paths = must(await git.run("rev-parse", "--path-format=absolute", *asked))
    index, objects = (Path(line) for line in paths.text.splitlines())
    folder = Path(tempfile.mkdtemp(prefix="bunkhouse-changes-"))
    try:
        copy, new = folder / "index", keep or folder / "objects"
        new.mkdir(exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # nothing was ever added
            await asyncio.to_thread(shutil.copyfile, index, copy)
            git.account.own(copy)
        git.account.own(new)
        git.account.own(folder)
        yield {
            "GIT_INDEX_FILE": str(copy),
            "GIT_OBJECT_DIRECTORY": str(new),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": quoted(objects),
        }
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def quoted(path: Path) -> str:
    """Return a path as git's lists of object folders take it."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


async def _large_untracked(git: Git, env: Mapping[str, str]) -> list[str]:
    result = await git.run("ls-files", "--others", "--exclude-standard", "-z", env=env)
    paths = [os.fsdecode(path) for path in result.out.split(b"\0") if path]
    return await asyncio.to_thread(_large, git.folder, paths)


def _large(folder: Path, paths: list[str]) -> list[str]:
    large: list[str] = []
    for path in paths:
        with contextlib.suppress(OSError):
            found = (folder / path).lstat()
            if stat.S_ISREG(found.st_mode) and found.st_size > LARGE_FILE_BYTES:
                large.append(path)
    return large


def _binary_bytes(folder: Path, files: list[ChangedFile]) -> int:
    total = 0
    for file in files:
        if file.binary:
            with contextlib.suppress(OSError, ValueError):
                total += (folder / file.path).lstat().st_size
    return total


def parse(listed: bytes) -> list[ChangedFile]:
    """Read what `git diff --raw --numstat -z` prints: first all files' states, then all numbers.

    A path that is not UTF-8 is shown with replacement characters.
    """
    fields = listed.split(b"\0")
    files: list[ChangedFile] = []
    position = 0
    while fields[position].startswith(b":"):
        letter = fields[position].rsplit(b" ", 1)[1][:1].decode()
        path = _shown(fields[position + 1])
        file = ChangedFile.model_validate(
            {"path": path, "status": _LETTERS.get(letter, "modified")}
        )
        position += 2
        if letter in "RC":
            file.path, old = _shown(fields[position]), path
            file.old_path = old if letter == "R" else None
            position += 1
        files.append(file)
    for file in files:
        added, deleted, path = fields[position].split(b"\t", 2)
        position += 1 if path else 3  # a rename: an empty path, then old and new
        file.binary = added == b"-"
        if not file.binary:
            file.additions, file.deletions = int(added), int(deleted)
    return files


def _shown(path: bytes) -> str:
    return path.decode(errors="replace")


def _whole_files(diff: bytes) -> bytes:
    """Cut a diff that was cut anywhere back to the end of a file's part, or at least of a line."""
    end = diff.rfind(b"\ndiff --git ")
    return diff[: end + 1] if end > 0 else diff[: diff.rfind(b"\n") + 1]


def must(result: Result) -> Result:
    """Return the result of a run that went well. Raises WorkspaceUnreadable for another."""
    if result.status != 0:
        raise WorkspaceUnreadable(
            "workspace_unreadable",
            "Git can't say what changed in the workspace.",
            remedy="Look at the repository in /workspace; is its .git folder as it was?",
            detail=result.err,
        )
    return result
