"""Fixtures of the tests that cross all parts: a real hub with a real engine and image."""

import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from .hubs import Client, HubProcess

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def place() -> Generator[Path]:
    """A folder whose path is short enough for anything."""
    with tempfile.TemporaryDirectory(prefix="bh") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def hub(place: Path) -> Generator[HubProcess]:
    """A hub with the demo model at full speed, shared by the tests of a run."""
    hub = HubProcess(
        place / "hub",
        {"BUNKHOUSE_DEMO_WORDS_PER_SECOND": "400", "BUNKHOUSE_SANDBOX_MEMORY": str(3 << 30)},
    )
    hub.start()
    try:
        yield hub
    finally:
        hub.stop()


@pytest.fixture(scope="session")
def client(hub: HubProcess) -> Client:
    return Client(hub)


@pytest.fixture(scope="session")
def shared(client: Client, repository: Path) -> str:
    """A session for tests that only look; those that change things make their own."""
    session = client.create("[demo:hello]", repository=str(repository))
    client.until(session, lambda log: log[-1]["type"] == "turn_ended")
    return session


@pytest.fixture
def fresh(client: Client, repository: Path) -> Generator[str]:
    """A session of the test's own, ready for a prompt."""
    session = client.create(repository=str(repository))
    client.until(
        session,
        lambda log: log[-1]["type"] == "state_changed" and log[-1]["state"] in ("idle", "failed"),
    )
    yield session
    client.delete(session)


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, as nobody in particular."""
    return subprocess.run(
        ["git", "-c", "user.name=Test", "-c", "user.email=test@bunkhouse.invalid", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@pytest.fixture(scope="session")
def repository(place: Path) -> Path:
    """A small repository with two branches."""
    folder = place / "garden"
    folder.mkdir()
    git(folder, "init", "-b", "main")
    (folder / "README.md").write_text("# Garden\n\nBeans, peas and a bench.\n")
    (folder / "beds.py").write_text('BEDS = ["beans", "peas"]\n')
    git(folder, "add", "-A")
    git(folder, "commit", "-m", "Begin the garden")
    git(folder, "branch", "winter")
    return folder
