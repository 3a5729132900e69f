"""The session's own branch, and whom its commits name.

Nothing of it is written into what git tracks. The hook is in the clone's own `.git/hooks`, since a
folder of hooks for all repositories (`core.hooksPath`) would put those of the repository itself,
and the tools that install them, out of work; one that is there already stays.
"""

import contextlib
from pathlib import Path

from bunkhouse_runner.errors import CloneFailed
from bunkhouse_runner.git import Git

_HOOK = """#!/bin/sh
# Bunkhouse: names who wrote along, while a turn of the agent runs (git config bunkhouse.coAuthor).
co_author=$(git config --get bunkhouse.coAuthor) || exit 0
git interpret-trailers --in-place --if-exists addIfDifferent \\
    --trailer "Co-authored-by: $co_author" "$1"
"""


async def begin(git: Git, branch: str) -> None:
    """Check the session's branch out: what the repository has of it, or a new one here.

    Raises:
        CloneFailed: git can't.
    """
    ours = await git.run("rev-parse", "--quiet", "--verify", f"refs/heads/{branch}")
    if ours.status == 0:
        return  # it was begun before
    theirs = f"refs/remotes/origin/{branch}"
    there = await git.run("rev-parse", "--quiet", "--verify", f"{theirs}^{{commit}}")
    head = await git.run("rev-parse", "--quiet", "--verify", "HEAD^{commit}")
    if there.status == 0:
        # A sandbox was lost after it had pushed.
        result = await git.run("checkout", "--quiet", "-b", branch, "--track", f"origin/{branch}")
    elif head.status == 0:
        result = await git.run("checkout", "--quiet", "--no-track", "-b", branch)
    else:
        result = await git.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")
    if result.status != 0:
        raise CloneFailed(
            "clone_failed", f"The branch {branch} can't be checked out.", detail=result.err
        )


async def go_on(git: Git, before: str, branch: str) -> None:
    """Go on with another branch where the one of before is checked out; files stay as they are."""
    head = await git.run("symbolic-ref", "--quiet", "HEAD")
    if head.text == f"refs/heads/{before}":
        # What it would be without a commit yet: the same, and git says so.
        result = await git.run("checkout", "--quiet", "--no-track", "-b", branch)
        if result.status != 0:
            await git.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")


async def name_co_authors(git: Git) -> None:
    """Have commits of a clone that was just made name who wrote along."""
    found = await git.run("rev-parse", "--path-format=absolute", "--git-path", "hooks")
    hook = Path(found.text) / "prepare-commit-msg"
    if found.status != 0 or not hook.is_absolute():
        return
    hook.parent.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):
        with hook.open("x") as file:
            file.write(_HOOK)
        hook.chmod(0o755)
        git.account.own(hook)
