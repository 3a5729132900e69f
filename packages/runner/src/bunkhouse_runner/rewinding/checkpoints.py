"""The workspace and its repository as they are at a moment, and putting them back to that.

Files are kept as a git tree, in a store of its own outside the workspace: with untracked files,
without those that `.gitignore` names. Its index is kept from one checkpoint to the next, so that
only what changed is read, and it borrows the repository's objects, so that only what is new is
written. Beside the tree stand the head, branches and tags, the repository's index, and what tells
of a merge or rebase under way. All of it runs as the agent's user.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bunkhouse_runner import changes, processes
from bunkhouse_runner.changes import must
from bunkhouse_runner.errors import NotRewound, WorkspaceUnreadable
from bunkhouse_runner.git import ALWAYS, Git, Result
from bunkhouse_runner.processes import Account
from bunkhouse_runner.rewinding import scripts

FOLDER = Path(".local/state/bunkhouse/checkpoints")
"""Below the agent's home: it is among the files that a sandbox keeps while it sleeps."""

_NONE = "-"
_CONFIG = ("-c", "core.fsmonitor=false", "-c", "core.fsync=none", "-c", "core.looseCompression=1")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How everything was. All but `head` are names of objects in the store, or `-` for none."""

    tree: str
    head: str
    """A branch's full name, or a commit."""
    refs: str
    index: str
    under_way: str
    extra: tuple[tuple[str, str], ...] = ()
    """What was there beside the tree, since it was ignored then: pairs of trees, of which the
    second has it and the first has not."""


class Checkpoints:
    """The checkpoints of one workspace."""

    def __init__(self, workspace: Path, account: Account) -> None:
        self._git = Git(workspace, account)
        self._account = account
        self._store = account.home / FOLDER
        self._env = {"GIT_DIR": str(self._store), "GIT_WORK_TREE": str(workspace)}

    async def take(self) -> Checkpoint:
        """Remember everything as it is. Raises WorkspaceUnreadable."""
        try:
            await self._script(scripts.PREPARE)
            tree, looked = await asyncio.gather(self._read_files(), self._script(scripts.LOOK))
        except OSError as error:
            raise WorkspaceUnreadable(
                "workspace_unreadable",
                f"The workspace can't be read: {error.strerror or error}.",
            ) from error
        head, refs, index, under_way = looked.text.splitlines()
        return Checkpoint(tree, head, refs, index, under_way)

    async def check(self, now: Checkpoint, target: Checkpoint) -> None:
        """See that all that `target` needs is still there. Raises NotRewound."""
        trees = [pair for pair in ((now.tree, target.tree), *target.extra) if pair[0] != pair[1]]
        wanted = [name for name in (target.refs, target.index, target.under_way) if name != _NONE]
        for one, other in trees:
            result = await self._inside("diff-tree", "-r", "-z", "--no-renames", one, other)
            if result.status != 0:
                raise _gone(result.err)
            found = [field.split(b" ") for field in result.out.split(b"\0") if field[:1] == b":"]
            # Modes, then objects: what is there now and what is to be. Submodules are not ours.
            wanted += [f[3].decode() for f in found if f[1] not in (b"000000", b"160000")]
        await self._are_there(wanted, self._env)
        refs = await self._inside("cat-file", "blob", target.refs)
        commits = [line.split(" ")[1] for line in refs.text.splitlines()]
        if not target.head.startswith("refs/"):
            commits.append(target.head)
        await self._are_there(commits, {})

    async def restore(self, now: Checkpoint, target: Checkpoint) -> tuple[str, str] | None:
        """Put everything back to `target`. `now` is what was taken a moment ago.

        Returns what was there and is not in `now`, as `Checkpoint.extra` has it: files that are
        ignored now and are not by the rules that hold in `target`.

        Raises:
            NotRewound: it could not be done, or only in part.
        """
        try:
            await self._files(target.tree)
            # By the rules of ignoring that are back now, more may be there than there was.
            tree = await self._read_files()
            extra = None
            if tree != target.tree:
                extra = (target.tree, tree)
                await self._files(target.tree)
                if await self._read_files() != target.tree:
                    raise _in_part("Some files could not be taken away or written.")
            for before, after in target.extra:
                await self._add(before, after)
            await self._repository(target)
        except (OSError, WorkspaceUnreadable) as error:
            raise _in_part(str(error)) from error
        return extra

    # ── files ────────────────────────────────────────────────────────────────────────────────

    async def _read_files(self) -> str:
        """Bring the store's index up to date with the files, and keep that as a tree."""
        await self._add_all()
        written = await self._inside("write-tree")
        if written.status != 0:
            # It names objects that went with a repository that was replaced: all is read anew.
            must(await self._inside("read-tree", "--empty"))
            await self._add_all()
            written = must(await self._inside("write-tree"))
        return written.text

    async def _add_all(self) -> None:
        await changes.add_all(self._git, self._env, _CONFIG)
        # What the repository tracks although it is ignored is the work of somebody too.
        listed = await self._git.run("ls-files", "-z", "-c", "-i", "--exclude-standard")
        tracked = [os.fsdecode(path) for path in listed.out.split(b"\0") if path]
        there = await asyncio.to_thread(self._existing, tracked)
        if there:
            await self._git.run(
                *_CONFIG, "--literal-pathspecs", "add", "--force", "--ignore-errors",
                "--pathspec-from-file=-", "--pathspec-file-nul",
                env=self._env, stdin=os.fsencode("\0".join(there)),
            )  # fmt: skip

    def _existing(self, paths: Sequence[str]) -> list[str]:
        return [path for path in paths if os.path.lexists(self._git.folder / path)]

    async def _files(self, tree: str) -> None:
        """Make the files those of a tree; the store's index says what is there now."""
        must(await self._inside("read-tree", "--reset", "-u", tree))

    async def _add(self, before: str, after: str) -> None:
        """Put back the files that the second tree has and the first has not."""
        listed = must(
            await self._inside(
                "diff-tree", "-r", "-z", "--no-renames", "--name-only", before, after
            )
        )
        beside = {**self._env, "GIT_INDEX_FILE": f"{self._store}/index.extra"}
        must(await self._git.run("read-tree", after, env=beside))
        must(
            await self._git.run(
                "checkout-index", "--force", "-z", "--stdin", env=beside, stdin=listed.out
            )
        )

    # ── the repository ───────────────────────────────────────────────────────────────────────

    async def _repository(self, target: Checkpoint) -> None:
        said = ("-m", "bunkhouse: rewind")
        if target.head.startswith("refs/"):
            must(await self._git.run("symbolic-ref", *said, "HEAD", target.head))
        else:
            must(await self._git.run("update-ref", *said, "--no-deref", "HEAD", target.head))
        there = _refs(
            await self._git.run(
                "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags"
            )
        )
        wanted = _refs(await self._inside("cat-file", "blob", target.refs))
        # Names go before others come: `a` may stand in the way of `a/b`.
        gone = [f"delete {name}" for name in there if name not in wanted]
        moved = [f"update {ref} {at}" for ref, at in wanted.items() if there.get(ref) != at]
        for lines in (gone, moved):
            if lines:
                stdin = "".join(f"{line}\n" for line in lines).encode()
                command = ("update-ref", *said, "--no-deref", "--stdin")
                must(await self._git.run(*command, stdin=stdin))
        await self._script(scripts.PUT_BACK, target.index, target.under_way)
        # Files have other times than the index says: look at each once, now.
        await self._git.run("update-index", "-q", "--refresh")

    # ── within ───────────────────────────────────────────────────────────────────────────────

    async def _inside(self, *arguments: str) -> Result:
        return await self._git.run(*_CONFIG, *arguments, env=self._env)

    async def _are_there(self, names: Sequence[str], env: dict[str, str]) -> None:
        if not names:
            return
        stdin = "".join(f"{name}\n" for name in dict.fromkeys(names)).encode()
        found = await self._git.run("cat-file", "--batch-check", env=env, stdin=stdin)
        missing = [line for line in found.text.splitlines() if line.endswith(" missing")]
        if found.status != 0 or missing:
            raise _gone("\n".join([*missing[:10], found.err]))

    async def _script(self, script: str, *arguments: str) -> Result:
        process = await processes.start(
            ["sh", "-c", script, "sh", str(self._store), *arguments],
            self._account,
            cwd=self._git.folder,
            env=ALWAYS,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await process.communicate()
        except BaseException:
            await asyncio.shield(processes.end(process, grace=1.0))
            raise
        return must(Result(process.returncode or 0, out, err.decode(errors="replace")))


def _refs(listed: Result) -> dict[str, str]:
    lines = must(listed).text.splitlines()
    return {name: at for name, _, at in (line.partition(" ") for line in lines)}


def _gone(detail: str) -> NotRewound:
    return NotRewound(
        "checkpoint_gone",
        "What is needed to go back is not in the sandbox any more.",
        remedy="Was the repository's .git folder replaced, or cleaned up by hand?",
        detail=detail,
    )


def _in_part(detail: str) -> NotRewound:
    return NotRewound(
        "not_rewound",
        "The files could not be put back.",
        remedy="Are there files in /workspace that the agent's user may not change?",
        detail=detail,
    )
