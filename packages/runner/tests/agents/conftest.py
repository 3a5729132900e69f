import shutil
import socket
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from bunkhouse_runner.agents.opencode import Limits
from bunkhouse_runner.agents.opencode.browser import BrowserTools
from bunkhouse_runner.processes import Account

from .bench import Bench, repository
from .between import Between
from .model_server import ModelServer
from .opencode_binary import opencode_binary

QUICK = Limits(attempts=2, connections=2, hub_wait=20, hub_poll=0.05, silence=5, stop=2)


@pytest.fixture(scope="session")
def binary() -> str:
    return opencode_binary()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@dataclass
class Benches:
    """Makes benches with a home and a repository of their own; nothing runs on them yet."""

    binary: str
    model: ModelServer
    folders: pytest.TempPathFactory

    @asynccontextmanager
    async def bench(
        self,
        account: Account | None = None,
        binary: str | None = None,
        browser: BrowserTools | None = None,
    ) -> AsyncGenerator[Bench]:
        port = free_port()
        between = Between(port)
        await between.start()
        if account is None:
            account = Account.current(self.folders.mktemp("home"))
        workspace = account.home.parent / f"workspace-{port}"
        repository(workspace)
        program = between.wrapped(binary or self.binary, workspace.with_suffix(".sh"))
        bench = Bench(
            model=self.model,
            account=account,
            workspace=workspace,
            binary=program,
            port=port,
            between=between,
            limits=QUICK,
            browser=browser,
        )
        try:
            yield bench
        finally:
            await bench.agent.close()
            between.stop()


@pytest.fixture(scope="session")
def benches(binary: str, model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Benches:
    return Benches(binary, model, tmp_path_factory)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def model() -> AsyncGenerator[ModelServer]:
    server = ModelServer()
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running(benches: Benches) -> AsyncGenerator[Bench]:
    """An agent that is up, shared by all tests that leave it whole."""
    async with benches.bench() as bench:
        await bench.up()
        yield bench


@pytest.fixture
def bench(running: Bench) -> Bench:
    """The shared agent, with the workspace as it was."""
    (running.workspace / "a.txt").write_text("alpha\nbeta\ngamma\n")
    return running


@pytest.fixture
def workspace(bench: Bench) -> Path:
    return bench.workspace


@pytest.fixture
def open_folder() -> Generator[Path]:
    """A folder that any user may enter (pytest's own are root's alone)."""
    path = Path(tempfile.mkdtemp(prefix="bunkhouse-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)
