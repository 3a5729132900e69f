"""Checkpoints against real git: what a turn may do to a workspace, and that all of it goes back."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bunkhouse_runner import changes
from bunkhouse_runner.errors import NotRewound
from bunkhouse_runner.processes import Account
from bunkhouse_runner.rewinding.checkpoints import FOLDER, Checkpoints

from .conftest import Git


class Place:
    """A workspace of the account's, and all that can be seen of it."""

    def __init__(self, path: Path, account: Account, git: Git) -> None:
        self.path = path
        self.account = account
        self._git = git

    def git(self, *arguments: str) -> str:
        said = self._git(*arguments, cwd=self.path)
        self.hand_over()
        return said

    def write(self, name: str, text: str | bytes) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        self.hand_over()

    def hand_over(self) -> None:
        for folder, _, names in os.walk(self.path):
            for name in (folder, *(f"{folder}/{each}" for each in names)):
                self.account.own(Path(name))

    def files(self) -> dict[str, tuple[str, bytes]]:
        """Every file outside `.git`: what it is, and what it holds."""
        found: dict[str, tuple[str, bytes]] = {}
        for file in sorted(self.path.rglob("*")):
            name = str(file.relative_to(self.path))
            if name.split("/", maxsplit=1)[0] == ".git" or (
                file.is_dir() and not file.is_symlink()
            ):
                continue
            if file.is_symlink():
                found[name] = ("link", str(file.readlink()).encode())
            else:
                kind = "program" if file.stat().st_mode & 0o100 else "file"
                found[name] = (kind, file.read_bytes())
        return found

    def look(self) -> tuple[object, ...]:
        """Files, head, branches and tags, index and status: what is to go back."""
        head = (self.path / ".git/HEAD").read_text()
        return (
            self.files(),
            head,
            self.git("for-each-ref", "refs/heads", "refs/tags"),
            self.git("ls-files", "--stage"),
            self.git("status", "--porcelain=v2"),
            (self.path / ".git/MERGE_HEAD").exists(),
        )


@pytest.fixture
def place(room: Path, account: Account, origin: Path, git: Git) -> Place:
    path = room / "workspace"
    git("clone", "-q", str(origin), str(path), cwd=room)
    git("config", "user.name", "Grace", cwd=path)
    git("config", "user.email", "grace@example.org", cwd=path)
    place = Place(path, account, git)
    place.hand_over()
    return place


@pytest.fixture
def checkpoints(place: Place) -> Checkpoints:
    return Checkpoints(place.path, place.account)


async def test_all_that_a_turn_may_do_goes_back_and_forward(
    place: Place, checkpoints: Checkpoints
) -> None:
    place.write("README.md", "# Hello\nedited by hand\n")
    place.write("notes.txt", "untracked\n")
    place.write("staged.txt", "staged\n")
    place.git("add", "staged.txt")
    place.write("staged.txt", "staged, and then edited\n")
    place.write("noise.log", "ignored\n")
    before = place.look()
    one = await checkpoints.take()

    place.write("README.md", "rewritten\n")
    (place.path / "logo.bin").unlink()
    place.git("mv", "src/app.py", "src/main.py")
    (place.path / "src/main.py").chmod(0o755)
    (place.path / "notes.txt").unlink()
    place.write("notes.txt/inside", "a folder where a file was\n")
    (place.path / "link").symlink_to("README.md")
    place.write("with space\tand tab", b"\x00\xff\r\n")
    place.git("add", "-A")
    place.git("commit", "-qm", "Second")
    place.git("checkout", "-qb", "feature/other")
    place.git("tag", "v2")
    place.git("branch", "-D", "main")
    place.git("branch", "main/below")  # which could not be beside `main`
    place.write("after.txt", "not committed\n")
    after = place.look()

    two = await checkpoints.take()
    await checkpoints.check(two, one)
    assert await checkpoints.restore(two, one) is None
    assert place.look() == before
    three = await checkpoints.take()
    assert three.tree == one.tree
    await checkpoints.check(three, two)
    assert await checkpoints.restore(three, two) is None
    assert place.look() == after


async def test_a_merge_under_way_is_under_way_again(place: Place, checkpoints: Checkpoints) -> None:
    place.git("checkout", "-qb", "theirs")
    place.write("README.md", "theirs\n")
    place.git("commit", "-qam", "Theirs")
    place.git("checkout", "-q", "main")
    place.write("README.md", "ours\n")
    place.git("commit", "-qam", "Ours")
    with pytest.raises(Exception, match="merge"):
        place.git("merge", "theirs")
    place.hand_over()
    before = place.look()
    assert "u UU" in str(before[4])
    one = await checkpoints.take()
    place.write("README.md", "both\n")
    place.git("commit", "-qam", "Merged")
    two = await checkpoints.take()
    await checkpoints.restore(two, one)
    assert place.look() == before
    await checkpoints.restore(await checkpoints.take(), two)
    assert not (place.path / ".git/MERGE_HEAD").exists()


async def test_a_detached_head_and_a_branch_without_a_commit(
    place: Place, checkpoints: Checkpoints
) -> None:
    place.git("checkout", "-q", "--detach", "v1")
    one, before = await checkpoints.take(), place.look()
    place.git("checkout", "-q", "--orphan", "new")
    two, between = await checkpoints.take(), place.look()
    place.git("commit", "-qm", "A new beginning")
    await checkpoints.restore(await checkpoints.take(), two)
    assert place.look() == between
    await checkpoints.restore(await checkpoints.take(), one)
    assert place.look() == before


async def test_what_the_turn_itself_had_ignored_goes_away_and_comes_back(
    place: Place, checkpoints: Checkpoints
) -> None:
    place.write("noise.log", "ignored before\n")
    one, before = await checkpoints.take(), place.look()
    place.write(".gitignore", "*.log\nbuild/\n")
    place.write("build/out.bin", b"\x01")
    place.write("noise.log", "ignored after\n")
    two, after = await checkpoints.take(), place.look()
    extra = await checkpoints.restore(two, one)
    assert extra is not None
    found = place.look()
    # What is ignored both then and now is left alone.
    assert (place.path / "noise.log").read_text() == "ignored after\n"
    assert found[1:] == before[1:]
    assert not (place.path / "build").exists()
    three = await checkpoints.take()
    two = replace(two, extra=(extra,))
    await checkpoints.check(three, two)
    await checkpoints.restore(three, two)
    assert place.look() == after


async def test_bytes_are_kept_whatever_git_makes_of_them(
    place: Place, checkpoints: Checkpoints
) -> None:
    place.write(".gitattributes", "* text=auto eol=lf\n*.up filter=up\n")
    place.git("config", "filter.up.clean", "tr a-z A-Z")
    place.write("dos.txt", b"one\r\ntwo\r\n")
    place.write("small.up", "small\n")
    place.git("add", "-A")
    place.git("commit", "-qm", "Converted")
    place.write("dos.txt", b"one\r\ntwo\r\n")
    one, before = await checkpoints.take(), place.files()
    place.write("dos.txt", b"three\n")
    place.write("small.up", "other\n")
    await checkpoints.restore(await checkpoints.take(), one)
    assert place.files() == before


async def test_what_is_tracked_although_it_is_ignored_counts(
    place: Place, checkpoints: Checkpoints
) -> None:
    await checkpoints.take()
    place.write("kept.log", "tracked\n")
    place.git("add", "-f", "kept.log")
    one = await checkpoints.take()
    place.write("kept.log", "edited\n")
    await checkpoints.restore(await checkpoints.take(), one)
    assert (place.path / "kept.log").read_text() == "tracked\n"


async def test_only_what_changed_is_read_and_only_what_is_new_is_written(
    place: Place, checkpoints: Checkpoints
) -> None:
    store = place.account.home / FOLDER

    def objects() -> int:
        return sum(len(names) for _, _, names in os.walk(store / "objects"))

    await checkpoints.take()
    first = objects()
    assert first < 12  # refs, index, a tree or so: the files are the repository's own objects
    place.write("src/app.py", "changed\n")
    await checkpoints.take()
    # The file, two trees, and no more but what stands beside them.
    assert objects() - first <= 5
    assert place.git("status", "--porcelain") == "M src/app.py"
    assert "bunkhouse" not in place.git("for-each-ref")


@pytest.mark.parametrize("lost", ["object", "repository"])
async def test_what_is_gone_is_said_before_anything_is_touched(
    place: Place, checkpoints: Checkpoints, lost: str
) -> None:
    place.write("mine.txt", "mine\n")
    for path in place.path.rglob("*"):
        os.utime(path, (1, 1))  # so old that an index believes what it knows of them
    one = await checkpoints.take()
    blob = place.git("hash-object", "mine.txt")
    place.write("mine.txt", "other\n")
    if lost == "object":
        (place.account.home / FOLDER / "objects" / blob[:2] / blob[2:]).unlink()
    else:
        shutil.rmtree(place.path / ".git")
        place.git("init", "-q")
        place.git("commit", "--allow-empty", "-qm", "Another")
    now, before = await checkpoints.take(), place.look()
    with pytest.raises(NotRewound) as refused:
        await checkpoints.check(now, one)
    assert refused.value.code == "checkpoint_gone"
    assert place.look() == before


# Root could take everything away.
@pytest.mark.parametrize("account", ["itself" if os.geteuid() else "nobody"], indirect=True)
async def test_a_file_that_cannot_be_taken_away_is_said(
    place: Place, checkpoints: Checkpoints
) -> None:
    one = await checkpoints.take()
    place.write("locked/for-good.txt", "x\n")
    locked = place.path / "locked"
    locked.chmod(0o555)
    try:
        now = await checkpoints.take()
        with pytest.raises(NotRewound) as refused:
            await checkpoints.restore(now, one)
    finally:
        locked.chmod(0o755)
    assert refused.value.code == "not_rewound"
    assert (locked / "for-good.txt").exists()


async def test_files_that_are_too_large_are_left_alone(
    place: Place, checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "LARGE_FILE_BYTES", 1000)
    one = await checkpoints.take()
    place.write("large.bin", b"x" * 1001)
    place.write("small.bin", b"x" * 999)
    await checkpoints.restore(await checkpoints.take(), one)
    assert (place.path / "large.bin").exists()
    assert not (place.path / "small.bin").exists()
