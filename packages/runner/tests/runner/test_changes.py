import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from bunkhouse_protocol.events import ChangedFile
from bunkhouse_protocol.gateway import Changes
from bunkhouse_runner import changes
from bunkhouse_runner.errors import WorkspaceUnreadable
from bunkhouse_runner.git import Git
from bunkhouse_runner.processes import Account

from .conftest import Git as RunGit


@dataclass
class Work:
    """A clone that the agent works in."""

    path: Path
    account: Account
    base: str | None
    run: RunGit

    @property
    def git(self) -> Git:
        return Git(self.path, self.account)

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def own(self) -> None:
        """Whatever the test has written, the agent has."""
        for path in [self.path, *self.path.rglob("*")]:
            self.account.own(path)

    async def changes(self, limit: int = changes.DIFF_BYTES) -> Changes:
        self.own()
        return await changes.read(self.git, self.base, limit)


@pytest.fixture
def work(room: Path, account: Account, origin: Path, git: RunGit) -> Work:
    path = room / "workspace"
    git("clone", "-q", str(origin), str(path), cwd=room)
    return Work(path, account, git("rev-parse", "HEAD", cwd=origin), git)


def listed(found: Changes) -> dict[str, tuple[str, int, int]]:
    return {file.path: (file.status, file.additions, file.deletions) for file in found.files}


async def test_nothing_changed(work: Work) -> None:
    found = await work.changes()
    assert (found.base, found.files, found.diff, found.truncated) == (work.base, [], "", False)


async def test_all_kinds_of_changes_are_seen_and_can_be_applied(
    work: Work, room: Path, origin: Path
) -> None:
    work.write("README.md", "# Hello\n\nWorld\n")
    work.run("mv", "src/app.py", "src/main program.py", cwd=work.path)
    work.write("committed.txt", "one\ntwo\n")
    work.run("add", "committed.txt", cwd=work.path)
    work.run("commit", "-q", "-m", "Work", cwd=work.path)
    work.write("staged.txt", "staged\n")
    work.run("add", "staged.txt", cwd=work.path)
    work.write("untracked.txt", "untracked\n")
    work.write("ignored.log", "ignored\n")
    work.write("new.bin", bytes(range(256)))
    (work.path / "logo.bin").unlink()
    found = await work.changes()
    assert listed(found) == {
        "README.md": ("modified", 2, 0),
        "committed.txt": ("added", 2, 0),
        "logo.bin": ("deleted", 0, 0),
        "new.bin": ("added", 0, 0),
        "src/main program.py": ("renamed", 0, 0),
        "staged.txt": ("added", 1, 0),
        "untracked.txt": ("added", 1, 0),
    }
    renamed = next(file for file in found.files if file.status == "renamed")
    assert renamed.old_path == "src/app.py"
    assert [file.path for file in found.files if file.binary] == ["logo.bin", "new.bin"]
    patch = room / "patch"
    patch.write_text(found.diff)
    work.run("apply", "--index", str(patch), cwd=origin)
    for name in ("README.md", "new.bin", "src/main program.py", "untracked.txt"):
        assert (origin / name).read_bytes() == (work.path / name).read_bytes()
    assert not (origin / "logo.bin").exists()


async def test_it_leaves_no_trace(work: Work) -> None:
    work.write("staged.txt", "staged\n")
    work.run("add", "staged.txt", cwd=work.path)
    work.write("staged.txt", "staged and changed\n")
    work.write("untracked.txt", "untracked\n")
    work.own()

    def trace() -> tuple[bytes, str, list[Path]]:
        index = (work.path / ".git" / "index").read_bytes()
        status = work.run("--no-optional-locks", "status", "--porcelain", cwd=work.path)
        return index, status, sorted((work.path / ".git").rglob("*"))

    before = trace()
    await work.changes()
    assert trace() == before


NAMES = [
    "with space.txt",
    "umläut ☃.txt",
    'quote".txt',
    "back\\slash.txt",
    "new\nline.txt",
    "tab\t.txt",
    "-dash.txt",
    ":colon.txt",
    "star*.txt",
    " leading and trailing ",
]


async def test_odd_names(work: Work, room: Path, origin: Path) -> None:
    for name in NAMES:
        work.write(name, "text\n")
    found = await work.changes()
    assert sorted(file.path for file in found.files) == sorted(NAMES)
    patch = room / "patch"
    patch.write_text(found.diff)
    work.run("apply", str(patch), cwd=origin)
    assert all((origin / name).exists() for name in NAMES)


async def test_names_and_texts_that_are_not_utf8_do_not_break_it(work: Work) -> None:
    (work.path / os.fsdecode(b"latin-\xe4.txt")).write_bytes(b"\xe4\xf6\xfc text\n")
    (work.path / os.fsdecode(b"large-\xe4.bin")).touch()
    os.truncate(work.path / os.fsdecode(b"large-\xe4.bin"), changes.LARGE_FILE_BYTES + 1)
    found = await work.changes()
    assert [file.path for file in found.files] == ["large-�.bin", "latin-�.txt"]
    found.model_dump_json()


async def test_large_untracked_files_are_listed_but_not_read(work: Work) -> None:
    work.write("sub dir/huge.iso", b"")
    os.truncate(work.path / "sub dir/huge.iso", changes.LARGE_FILE_BYTES + 1)
    work.write("small.txt", "small\n")
    found = await work.changes()
    assert [(file.path, file.binary) for file in found.files] == [
        ("small.txt", False),
        ("sub dir/huge.iso", True),
    ]
    assert found.truncated
    assert "small.txt" in found.diff
    assert "huge.iso" not in found.diff


async def test_a_long_diff_is_cut_between_files(work: Work) -> None:
    for letter in "abc":
        work.write(f"{letter}.txt", "".join(f"{letter} {n}\n" for n in range(1000)))
    whole = await work.changes()
    assert not whole.truncated
    found = await work.changes(limit=len(whole.diff) - 100)
    assert found.truncated
    assert len(found.files) == 3
    assert found.diff == whole.diff[: whole.diff.index("diff --git a/c.txt")]
    tiny = await work.changes(limit=500)
    assert tiny.truncated
    assert whole.diff.startswith(tiny.diff)
    assert tiny.diff.endswith("\n")
    assert (await work.changes(limit=0)).diff == ""


async def test_large_binaries_do_not_push_texts_out(work: Work) -> None:
    work.write("a.bin", os.urandom(100_000))
    work.write("b.txt", "text\n")
    found = await work.changes(limit=50_000)
    assert found.truncated
    assert "+text" in found.diff


async def test_what_git_cannot_read_is_left_out(work: Work) -> None:
    work.write("fine.txt", "fine\n")
    (work.path / "nested").mkdir()
    work.run("init", "-q", cwd=work.path / "nested")
    work.own()
    secret = work.write("secret.txt", "secret\n")
    secret.chmod(0)
    if work.account.uid != os.getuid():
        os.chown(secret, 0, 0)
    found = await changes.read(work.git, work.base)
    assert "fine.txt" in listed(found)
    assert "nested" not in " ".join(listed(found))


async def test_in_the_middle_of_a_merge(work: Work) -> None:
    work.write("README.md", "ours\n")
    work.run("commit", "-q", "-a", "-m", "Ours", cwd=work.path)
    work.run("checkout", "-q", "-b", "other", "HEAD~", cwd=work.path)
    work.write("README.md", "theirs\n")
    work.run("commit", "-q", "-a", "-m", "Theirs", cwd=work.path)
    with pytest.raises(subprocess.CalledProcessError):
        work.run("merge", "main", cwd=work.path)
    found = await work.changes()
    assert listed(found) == {"README.md": ("modified", 5, 1)}


async def test_the_agents_configuration_does_not_change_the_form(work: Work) -> None:
    for key, value in {
        "diff.noprefix": "true",
        "diff.external": "false",
        "color.ui": "always",
        "diff.mnemonicPrefix": "true",
        "core.quotePath": "true",
    }.items():
        work.run("config", key, value, cwd=work.path)
    work.write("README.md", "# Hello\n\nWorld\n")
    found = await work.changes()
    assert found.diff.startswith("diff --git a/README.md b/README.md\n")


async def test_without_a_commit_at_the_beginning(room: Path, account: Account, git: RunGit) -> None:
    path = room / "fresh"
    path.mkdir()
    git("init", "-q", cwd=path)
    work = Work(path, account, None, git)
    work.write("first.txt", "first\n")
    found = await work.changes()
    assert found.base is None
    assert listed(found) == {"first.txt": ("added", 1, 0)}


async def test_ten_thousand_files(work: Work) -> None:
    for number in range(10_500):
        work.write(f"many/{number}.txt", f"{number}\n")
    found = await work.changes()
    assert len(found.files) == 10_500
    assert sum(file.additions for file in found.files) == 10_500


async def test_a_repository_that_was_taken_away_is_told(work: Work) -> None:
    (work.path / ".git").rename(work.path.parent / "away")
    with pytest.raises(WorkspaceUnreadable) as caught:
        await work.changes()
    assert caught.value.message


def test_gits_list_is_read_with_renames() -> None:
    out = (
        b":100644 100644 aaa bbb R090\0old name\0new name\0"
        b":000000 100644 000 ccc A\0pic\0"
        b"3\t1\t\0old name\0new name\0"
        b"-\t-\tpic\0"
    )
    assert changes.parse(out) == [
        ChangedFile(
            path="new name", old_path="old name", status="renamed", additions=3, deletions=1
        ),
        ChangedFile(path="pic", status="added", binary=True),
    ]
