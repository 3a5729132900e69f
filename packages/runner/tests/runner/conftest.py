import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from bunkhouse_runner.gateway import Gateway
from bunkhouse_runner.processes import Account

from .git_door import GitDoor


@pytest.fixture
def room() -> Generator[Path]:
    """A folder that any user may enter (pytest's own are root's alone)."""
    path = Path(tempfile.mkdtemp(prefix="bunkhouse-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(params=["itself", "nobody"])
def account(request: pytest.FixtureRequest, room: Path) -> Account:
    """The user of the agent's programs: the one who runs the tests, and another where we may."""
    home = room / "home"
    home.mkdir()
    if request.param == "itself":
        return Account.current(home)
    if os.geteuid() != 0:
        pytest.skip("only root can start programs as somebody else")
    account = Account.named(str(request.param), home)
    account.own(home)
    return account


Git = Callable[..., str]


@pytest.fixture
def git(room: Path) -> Git:
    """Run git, as whoever runs the tests."""

    def run(*arguments: str, cwd: Path) -> str:
        config = {"user.name": "Grace", "user.email": "grace@example.org", "safe.directory": "*"}
        options = [part for key, value in config.items() for part in ("-c", f"{key}={value}")]
        done = subprocess.run(
            ["git", *options, *arguments], cwd=cwd, check=True, capture_output=True, text=True,
            env={**os.environ, "HOME": str(room), "GIT_CONFIG_NOSYSTEM": "1"},
        )  # fmt: skip
        return done.stdout.strip()

    return run


@pytest.fixture
def origin(room: Path, git: Git) -> Path:
    """A repository with two branches, a tag and a few files."""
    path = room / "origin"
    path.mkdir()
    git("init", "-q", "-b", "main", cwd=path)
    (path / "README.md").write_text("# Hello\n")
    (path / "src").mkdir()
    (path / "src" / "app.py").write_text("".join(f"line {n}\n" for n in range(50)))
    (path / "logo.bin").write_bytes(bytes(range(256)) * 4)
    (path / ".gitignore").write_text("*.log\n")
    git("add", ".", cwd=path)
    git("commit", "-q", "-m", "First", cwd=path)
    git("tag", "v1", cwd=path)
    git("branch", "feature/login", cwd=path)
    return path


@pytest.fixture
def door(origin: Path) -> GitDoor:
    return GitDoor({"example.org/hello": origin})


@dataclass
class Doors:
    """The fake hub's HTTP side, on a Unix socket."""

    serve: Callable[..., AbstractAsyncContextManager[None]]


@pytest.fixture
def doors() -> Doors:
    @asynccontextmanager
    async def serve(socket: Path, *routes: Route | WebSocketRoute) -> AsyncGenerator[None]:
        # Any ASGI application on a Unix socket: the gateway's own server serves for it.
        server = Gateway(Starlette(routes=routes), socket)
        await server.start()
        try:
            yield
        finally:
            await server.stop()

    return Doors(serve)
