"""Committing what is not committed, and pushing it: with a real git, to a real repository."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from bunkhouse_protocol.gateway import Published, PublishRequest
from bunkhouse_protocol.link import CommitIdentity
from bunkhouse_runner import branches, publishing
from bunkhouse_runner.errors import NotPublished
from bunkhouse_runner.git import Git
from bunkhouse_runner.processes import Account

from .conftest import Git as RunGit

BRANCH = "bunkhouse/roof-abc"
ADA = CommitIdentity(name="Ada", email="ada@example.org")
CO_AUTHOR = "Bunkhouse <agent@bunkhouse.invalid>"


@dataclass
class Work:
    """A clone that the agent works in, and the host that it is of."""

    path: Path
    host: Path
    account: Account
    base: str
    run: RunGit

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)
        self.own()

    def own(self) -> None:
        for path in [self.path, *self.path.rglob("*"), self.host, *self.host.rglob("*")]:
            self.account.own(path)

    async def publish(self, message: str = "Mend the roof") -> Published:
        self.own()
        wanted = PublishRequest(branch=BRANCH, message=message, author=ADA, co_author=CO_AUTHOR)
        return await publishing.publish(Git(self.path, self.account), self.base, wanted)

    def at_host(self, *arguments: str) -> str:
        return self.run(*arguments, cwd=self.host)


@pytest.fixture
async def work(room: Path, account: Account, origin: Path, git: RunGit) -> Work:
    host, path = room / "host.git", room / "workspace"
    git("clone", "-q", "--bare", str(origin), str(host), cwd=room)
    git("clone", "-q", str(host), str(path), cwd=room)
    git("checkout", "-q", "-b", BRANCH, cwd=path)
    work = Work(path, host, account, git("rev-parse", "HEAD", cwd=path), git)
    work.own()
    await branches.name_co_authors(Git(path, account))
    return work


async def test_all_is_committed_in_the_persons_name_and_pushed(work: Work) -> None:
    work.write("roof", "whole")
    (work.path / "README.md").unlink()
    work.write("noise.log", "ignored")
    done = await work.publish("Mend the roof\n\nIt leaked.")
    assert (done.commits, done.committed) == (1, True)
    assert work.at_host("rev-parse", BRANCH) == done.commit
    shown = work.at_host("show", "--format=%an <%ae> | %cn <%ce>%n%B", "--name-status", BRANCH)
    who, *message = shown.splitlines()
    assert who == "Ada <ada@example.org> | Ada <ada@example.org>"
    assert message[:3] == ["Mend the roof", "", "It leaked."]
    assert f"Co-authored-by: {CO_AUTHOR}" in message
    assert {"D\tREADME.md", "A\troof"} <= set(message)
    assert "A\tnoise.log" not in message
    again = await work.publish()
    assert (again.commit, again.committed) == (done.commit, False)


async def test_what_is_committed_already_stays_as_it_is(work: Work) -> None:
    work.run("commit", "-q", "--allow-empty", "-m", "By hand", cwd=work.path)
    done = await work.publish()
    assert (done.commits, done.committed) == (1, False)
    assert work.at_host("log", "-1", "--format=%s", BRANCH) == "By hand"


async def test_nothing_is_nothing(work: Work) -> None:
    with pytest.raises(NotPublished) as caught:
        await work.publish()
    assert caught.value.code == "nothing_to_publish"
    assert work.at_host("branch", "--list", BRANCH) == ""


async def test_after_going_back_the_branch_is_as_the_work_is(work: Work) -> None:
    work.write("roof", "wrong")
    await work.publish()
    work.run("reset", "-q", "--hard", work.base, cwd=work.path)
    work.write("roof", "whole")
    done = await work.publish()
    assert work.at_host("rev-parse", BRANCH) == done.commit
    assert work.at_host("show", f"{BRANCH}:roof") == "whole"


async def test_what_somebody_else_pushed_is_not_overwritten(work: Work) -> None:
    work.write("roof", "whole")
    await work.publish()
    theirs = work.at_host("commit-tree", f"{BRANCH}^{{tree}}", "-p", BRANCH, "-m", "By Bob")
    work.at_host("update-ref", f"refs/heads/{BRANCH}", theirs)
    work.write("roof", "painted")
    with pytest.raises(NotPublished) as caught:
        await work.publish()
    assert caught.value.code == "push_refused"
    assert "rejected" in (caught.value.detail or "")
    assert work.at_host("rev-parse", BRANCH) == theirs


async def test_the_words_of_the_host_and_of_hooks_are_passed_on(work: Work) -> None:
    hook = work.host / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'Not on a Friday.' >&2\nexit 1\n")
    hook.chmod(0o755)
    work.write("roof", "whole")
    with pytest.raises(NotPublished) as caught:
        await work.publish()
    assert caught.value.code == "push_refused"
    assert "Not on a Friday." in (caught.value.detail or "").splitlines()
    hook.unlink()
    lint = work.path / ".git" / "hooks" / "pre-commit"
    lint.write_text("#!/bin/sh\necho 'Tabs, please.' >&2\nexit 1\n")
    lint.chmod(0o755)
    work.write("roof", "painted")
    with pytest.raises(NotPublished) as caught:
        await work.publish()
    assert (caught.value.code, caught.value.detail) == ("not_committed", "Tabs, please.")
    assert (work.path / "roof").read_text() == "painted"
