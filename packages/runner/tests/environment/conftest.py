import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path

import pytest

from bunkhouse_protocol.events import Event, ServiceChanged, ServiceState
from bunkhouse_runner.environment.editor import Editor
from bunkhouse_runner.processes import Account

PATIENCE = 90.0
PROGRAM = Path(__file__).with_name("program.py")


class Told:
    """The events that were told; can be waited for."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._more = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._more.set()

    async def until(self, wanted: Callable[[Event], bool]) -> Event:
        async with asyncio.timeout(PATIENCE):
            while True:
                for event in self.events:
                    if wanted(event):
                        return event
                self._more.clear()
                await self._more.wait()

    async def state(self, state: ServiceState) -> ServiceChanged:
        found = await self.until(lambda one: isinstance(one, ServiceChanged) and one.state == state)
        assert isinstance(found, ServiceChanged)
        return found

    def states(self) -> list[ServiceState]:
        """The services' states in order, repeats left out."""
        found: list[ServiceState] = []
        for event in self.events:
            if isinstance(event, ServiceChanged) and found[-1:] != [event.state]:
                found.append(event.state)
        return found


@pytest.fixture
def room() -> Generator[Path]:
    """A folder with a short name: the paths of Unix sockets may not be long."""
    path = Path(tempfile.mkdtemp(prefix="bunkhouse-test-"))
    (path / "workspace").mkdir()
    (path / "home").mkdir()
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def editor(room: Path, told: Told) -> AsyncGenerator[Editor]:
    made = Editor(told, Account.current(room / "home"), room / "workspace")
    made.program = (sys.executable, "-S", str(PROGRAM))
    made.configuration = room
    made.extensions = room / "extensions"
    made.patience = PATIENCE
    (room / "editor.json").write_text('{"editor.minimap.enabled": false, "telemetry": "off"}')
    yield made
    await made.close()


@pytest.fixture
def data(room: Path) -> Path:
    """Where the editor keeps its own files."""
    path = room / "home/.local/share/code-server"
    path.mkdir(parents=True)
    return path
