import asyncio
import os
import stat
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse

from bunkhouse_protocol.link import Repository, SessionSpec
from bunkhouse_runner import cloning
from bunkhouse_runner import workspace as workspace_module
from bunkhouse_runner.errors import CloneFailed
from bunkhouse_runner.git import Git
from bunkhouse_runner.hub import Hub, HubPort
from bunkhouse_runner.processes import Account
from bunkhouse_runner.spool import Drawer, Spool
from bunkhouse_runner.workspace import Workspace

from .conftest import Doors
from .conftest import Git as RunGit
from .fake_hub import TOKEN, session
from .git_door import GitDoor

URL = "https://example.org/hello"


def spec(branch: str | None = None, door: str = "example.org/hello") -> SessionSpec:
    return session(repository=Repository(url=URL, door=door, branch=branch))


class Bench:
    """A workspace whose git door is served through a port, as in a sandbox."""

    def __init__(self, room: Path, account: Account, doors_url: str) -> None:
        self.path = room / "workspace"
        self.account = account
        self.doors_url = doors_url
        self.spool = Spool(room / "state" / "spool.db")
        self.reports: list[tuple[str, float | None]] = []
        self.workspace = self.again()

    def again(self) -> Workspace:
        """The workspace, as a runner that comes back finds it."""
        return Workspace(
            self.path,
            self.account,
            Drawer(self.spool, "workspace"),
            token=TOKEN,
            doors_url=self.doors_url,
        )

    async def prepare(self, wanted: SessionSpec) -> workspace_module.Beginning:
        return await self.workspace.prepare(wanted, self._report)

    def _report(self, text: str, part: float | None) -> None:
        self.reports.append((text, part))

    async def git(self, *arguments: str) -> str:
        """Run git as the agent does."""
        result = await Git(self.path, self.account).run(*arguments)
        assert result.status == 0, result.err
        return result.text


@asynccontextmanager
async def opened(
    room: Path, account: Account, doors: Doors, door: GitDoor
) -> AsyncGenerator[Bench]:
    socket = room / "hub.sock"
    port = HubPort(Hub(token=TOKEN, socket=socket))
    number = await port.start(0)
    try:
        async with doors.serve(socket, *door.routes()):
            yield Bench(room, account, f"http://127.0.0.1:{number}/sandbox")
    finally:
        await port.stop()


@pytest.fixture
async def bench(room: Path, account: Account, doors: Doors, door: GitDoor) -> AsyncGenerator[Bench]:
    async with opened(room, account, doors, door) as bench:
        yield bench


async def test_a_clone_is_the_agents_own_and_knows_no_token(
    bench: Bench, origin: Path, git: RunGit
) -> None:
    made = await bench.prepare(spec())
    assert made.base == git("rev-parse", "HEAD", cwd=origin)
    assert made.branch == "main"
    assert (bench.path / "README.md").read_text() == "# Hello\n"
    for path in [bench.path, *bench.path.rglob("*")]:
        assert path.lstat().st_uid == bench.account.uid, path
    assert TOKEN not in (bench.path / ".git" / "config").read_text()
    assert await bench.git("config", "--local", "remote.origin.url") == URL
    assert await bench.git("config", "user.name") == "Ada"
    secret = bench.account.home / ".config/bunkhouse/gitconfig"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert secret.stat().st_uid == bench.account.uid


async def test_a_later_fetch_of_the_original_url_goes_through_the_door(
    bench: Bench, origin: Path, git: RunGit, door: GitDoor
) -> None:
    await bench.prepare(spec())
    (origin / "new.txt").write_text("new\n")
    git("add", ".", cwd=origin)
    git("commit", "-q", "-m", "Second", cwd=origin)
    door.requests.clear()
    await bench.git("fetch", "origin")
    assert door.requests
    assert await bench.git("rev-parse", "origin/main") == git("rev-parse", "main", cwd=origin)


async def test_a_folder_on_the_hubs_machine_is_fetched_through_the_door_too(
    bench: Bench, door: GitDoor
) -> None:
    wanted = session(repository=Repository(url="/home/ada/hello", door="example.org/hello"))
    await bench.prepare(wanted)
    assert await bench.git("config", "--local", "remote.origin.url") == "/home/ada/hello"
    door.requests.clear()
    await bench.git("fetch", "origin")
    assert door.requests


async def test_a_repository_whose_url_begins_alike_is_left_alone(bench: Bench) -> None:
    await bench.prepare(spec())
    elsewhere = Git(bench.account.home, bench.account)
    result = await elsewhere.run("ls-remote", "--get-url", f"{URL}-world")
    assert result.text == f"{URL}-world"


async def test_what_the_agent_has_configured_wins_and_stays(bench: Bench) -> None:
    own = bench.account.home / ".gitconfig"
    own.write_text("[user]\n\tname = Mine\n")
    bench.account.own(own)
    await bench.prepare(spec())
    await bench.again().prepare(spec(), lambda text, part: None)
    assert await bench.git("config", "user.name") == "Mine"
    assert await bench.git("config", "user.email") == "ada@example.org"
    assert own.read_text().count("[include]") == 1


async def test_a_branch_or_a_tag_can_be_asked_for(bench: Bench) -> None:
    assert (await bench.prepare(spec("feature/login"))).branch == "feature/login"
    bench.workspace.forget()
    assert (await bench.prepare(spec("v1"))).branch is None


async def test_an_unknown_branch_says_which_ones_are_close(bench: Bench) -> None:
    with pytest.raises(CloneFailed) as caught:
        await bench.prepare(spec("mian"))
    error = caught.value
    assert error.code == "branch_not_found"
    assert error.suggestions == ["main"]
    assert error.message == f"The clone failed: no branch `mian` in {URL}."
    assert error.remedy == "Did you mean `main`?"
    # And the next try may be right.
    assert (await bench.prepare(spec("main"))).branch == "main"


async def test_a_failure_is_told_in_the_words_of_the_hub(bench: Bench, door: GitDoor) -> None:
    with pytest.raises(CloneFailed) as caught:
        await bench.prepare(spec(door="example.org/nothing"))
    problem = caught.value.problem()
    assert problem.code == "clone_failed"
    assert problem.message == "The clone failed: there is no such repository behind the door"
    assert problem.remedy
    assert "127.0.0.1" not in (problem.detail or "")
    assert TOKEN not in repr(problem)


async def test_an_unreachable_repository_is_tried_again_and_then_told(
    bench: Bench, door: GitDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace_module, "FIRST_PAUSE_SECONDS", 0.01)
    door.failures = [PlainTextResponse("", 502) for _ in range(cloning.CLONE_ATTEMPTS)]
    with pytest.raises(CloneFailed) as caught:
        await bench.prepare(spec())
    assert caught.value.message == f"The clone failed: {URL}: its host can't be reached."
    assert caught.value.remedy
    assert door.failures == []


async def test_a_hub_that_restarts_does_not_fail_the_clone(
    bench: Bench, door: GitDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace_module, "FIRST_PAUSE_SECONDS", 0.01)
    door.failures = [PlainTextResponse("", 503)]
    assert (await bench.prepare(spec())).branch == "main"
    assert ("The connection broke off; trying again.", None) in bench.reports


async def test_an_empty_repository_is_fine(
    bench: Bench, door: GitDoor, room: Path, git: RunGit
) -> None:
    (room / "empty").mkdir()
    git("init", "-q", "-b", "trunk", cwd=room / "empty")
    door.repositories["empty"] = room / "empty"
    made = await bench.prepare(spec(door="empty"))
    assert made.base is None
    assert made.branch == "trunk"
    assert (await bench.workspace.changes()).files == []
    bench.workspace.forget()
    made = await bench.prepare(spec("work", door="empty"))
    assert (made.base, made.branch) == (None, "work")
    assert await bench.git("config", "--local", "remote.origin.url") == URL


async def test_without_a_repository_there_is_a_first_commit(bench: Bench) -> None:
    made = await bench.prepare(session())
    assert made.branch == "main"
    assert await bench.git("log", "--format=%an %s") == "Ada Begin"
    assert (await bench.workspace.changes()).files == []


async def test_a_runner_that_comes_back_keeps_the_workspace(bench: Bench, door: GitDoor) -> None:
    made = await bench.prepare(spec())
    (bench.path / "work.txt").write_text("hours of it\n")
    door.requests.clear()
    again = bench.again()
    assert again.ready
    assert await again.prepare(spec(), lambda text, part: None) == made
    assert (bench.path / "work.txt").exists()
    assert door.requests == []


async def test_a_clone_that_was_cut_off_is_made_anew(bench: Bench) -> None:
    await bench.prepare(spec())
    bench.workspace.forget()
    (bench.path / ".git" / "HEAD").write_text("half")
    (bench.path / "half.txt").write_text("half\n")
    assert (await bench.again().prepare(spec(), lambda text, part: None)).branch == "main"
    assert not (bench.path / "half.txt").exists()


async def test_a_clone_can_be_cancelled_and_begun_again(bench: Bench, door: GitDoor) -> None:
    task = asyncio.create_task(bench.prepare(spec()))
    await asyncio.wait_for(door.asked.wait(), 60)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await bench.prepare(spec())).branch == "main"


async def test_a_repository_that_is_there_already_is_taken_as_it_is(
    bench: Bench, origin: Path, git: RunGit, door: GitDoor
) -> None:
    git("clone", "-q", str(origin), str(bench.path), cwd=origin)
    (bench.path / "work.txt").write_text("from before\n")
    if bench.account.uid != os.getuid():
        for path in [bench.path, *bench.path.rglob("*")]:
            bench.account.own(path)
    made = await bench.prepare(spec())
    assert made.base == git("rev-parse", "HEAD", cwd=origin)
    assert (bench.path / "work.txt").exists()
    assert door.requests == []


async def test_other_files_in_the_workspace_are_not_overwritten(bench: Bench) -> None:
    bench.path.mkdir()
    (bench.path / "precious.txt").write_text("x")
    with pytest.raises(CloneFailed) as caught:
        await bench.prepare(spec())
    assert "other files" in caught.value.message
    assert (bench.path / "precious.txt").exists()


async def test_a_large_clone_reports_its_progress(bench: Bench, origin: Path, git: RunGit) -> None:
    for number in range(3000):
        (origin / f"file{number}").write_text(f"{number}\n")
    git("add", ".", cwd=origin)
    git("commit", "-q", "-m", "Many", cwd=origin)
    await bench.prepare(spec())
    parts = [part for _, part in bench.reports if part is not None]
    assert parts == sorted(parts)
    assert any(text.startswith("Receiving objects: ") for text, _ in bench.reports)


def test_progress_lines_are_understood() -> None:
    said: list[tuple[str, float | None]] = []
    progress = cloning.Progress(lambda text, part: said.append((text, part)))
    progress.hear("Cloning into '/workspace'...")
    progress.hear("remote: Counting objects:  50% (4500/9000)\x1b[K")
    progress.hear("Receiving objects:  13% (1204/9000), 1.20 MiB | 2.40 MiB/s")
    assert said == [
        ("Counting objects: 4,500 of 9,000", 0.025),
        ("Receiving objects: 1,204 of 9,000", 0.184),
    ]
