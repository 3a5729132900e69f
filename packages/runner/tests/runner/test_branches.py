"""The session's own branch, in whose name commits are made, and whom they name beside."""

import stat
from pathlib import Path

from bunkhouse_protocol.link import CommitIdentity, Repository, SessionSpec

from .conftest import Git as RunGit
from .fake_hub import session
from .git_door import GitDoor
from .test_workspace import URL, Bench, bench

__all__ = ["bench"]

MINE = "bunkhouse/fix-s1"
AGENT = "Bunkhouse <agent@example.org>"


def spec(work_branch: str | None = MINE, branch: str | None = None) -> SessionSpec:
    repository = Repository(
        url=URL, door="example.org/hello", branch=branch, work_branch=work_branch
    )
    return session(repository=repository, co_author=AGENT)


async def head(bench: Bench) -> str:
    return await bench.git("symbolic-ref", "--short", "HEAD")


async def commit(bench: Bench, *options: str) -> str:
    await bench.git("commit", "--quiet", "--allow-empty", "-m", "Work", *options)
    return await bench.git("log", "-1", "--format=%an <%ae> %cn <%ce>%n%B")


async def test_the_work_is_on_a_branch_of_its_own(bench: Bench, origin: Path, git: RunGit) -> None:
    made = await bench.prepare(spec())
    assert await head(bench) == MINE
    # What changed is seen from where the work began.
    assert (made.branch, made.base) == ("main", git("rev-parse", "main", cwd=origin))
    assert (await bench.prepare(spec())) == made
    assert await bench.git("config", "push.autoSetupRemote") == "true"
    upstream = await bench.git("for-each-ref", "--format=%(upstream)", f"refs/heads/{MINE}")
    assert upstream == ""


async def test_it_begins_at_the_branch_that_was_asked_for(
    bench: Bench, origin: Path, git: RunGit
) -> None:
    git("checkout", "-q", "feature/login", cwd=origin)
    git("commit", "-q", "--allow-empty", "-m", "Login", cwd=origin)
    git("checkout", "-q", "main", cwd=origin)
    made = await bench.prepare(spec(branch="feature/login"))
    assert made.branch == "feature/login"
    assert await bench.git("rev-parse", "HEAD") == made.base
    assert made.base == git("rev-parse", "feature/login", cwd=origin)


async def test_what_was_pushed_before_the_sandbox_was_lost_is_gone_on_with(
    bench: Bench, origin: Path, git: RunGit
) -> None:
    git("checkout", "-q", "-b", MINE, cwd=origin)
    git("commit", "-q", "--allow-empty", "-m", "Pushed", cwd=origin)
    git("checkout", "-q", "main", cwd=origin)
    made = await bench.prepare(spec())
    assert await head(bench) == MINE
    assert await bench.git("log", "-1", "--format=%s") == "Pushed"
    assert made.base == git("rev-parse", "main", cwd=origin)


async def test_an_empty_repository_begins_with_it(
    bench: Bench, door: GitDoor, room: Path, git: RunGit
) -> None:
    (room / "empty").mkdir()
    git("init", "-q", "-b", "trunk", cwd=room / "empty")
    door.repositories["example.org/hello"] = room / "empty"
    made = await bench.prepare(spec())
    assert (made.base, made.branch) == (None, "trunk")
    assert await head(bench) == MINE


async def test_a_copy_goes_on_with_a_branch_of_its_own(bench: Bench) -> None:
    await bench.prepare(spec())
    await commit(bench)
    (bench.path / "work.txt").write_text("not committed\n")
    again = bench.again()
    await again.prepare(spec("bunkhouse/fix-s2"), lambda text, part: None)
    assert await head(bench) == "bunkhouse/fix-s2"
    assert await bench.git("log", "-1", "--format=%s") == "Work"
    assert (bench.path / "work.txt").exists()
    # Where something else is checked out by then, that is somebody's choice.
    await bench.git("checkout", "--quiet", "main")
    await bench.again().prepare(spec("bunkhouse/fix-s3"), lambda text, part: None)
    assert await head(bench) == "main"


async def test_commits_are_made_in_the_name_of_whoever_asks(bench: Bench) -> None:
    await bench.prepare(spec())
    bob = CommitIdentity(name="Bob", email="7+bob@users.noreply.example.org")
    bench.workspace.sign(bob, turn=True)
    who, _, message = (await commit(bench)).partition("\n")
    assert who == f"Bob <{bob.email}> Bob <{bob.email}>"
    assert message.strip() == f"Work\n\nCo-authored-by: {AGENT}"
    amended = await commit(bench, "--amend")
    assert amended.count("Co-authored-by") == 1
    bench.workspace.sign()
    who, _, message = (await commit(bench)).partition("\n")
    assert who == "Ada <ada@example.org> Ada <ada@example.org>"
    assert message.strip() == "Work"
    assert await bench.git("status", "--porcelain") == ""


async def test_hooks_of_the_repository_stay_as_they_are(bench: Bench) -> None:
    await bench.prepare(spec())
    assert (await bench.again()._git.run("config", "core.hooksPath")).status != 0  # pyright: ignore[reportPrivateUsage]
    hooks = bench.path / ".git" / "hooks"
    ours = hooks / "prepare-commit-msg"
    assert stat.S_IMODE(ours.stat().st_mode) == 0o755
    assert ours.stat().st_uid == bench.account.uid
    # A hook that a tool of the repository installs in its place is not touched again.
    ours.write_text('#!/bin/sh\necho theirs >>"$1"\n')
    await bench.again().prepare(spec(), lambda text, part: None)
    bench.workspace.sign(turn=True)
    assert "theirs" in await commit(bench)


async def test_without_a_branch_of_its_own_all_is_as_before(bench: Bench) -> None:
    made = await bench.prepare(session(repository=Repository(url=URL, door="example.org/hello")))
    assert (made.branch, await head(bench)) == ("main", "main")
    bench.workspace.sign(turn=True)
    assert "Co-authored-by" not in await commit(bench)
    assert not (bench.path / ".git" / "hooks" / "prepare-commit-msg").exists()
