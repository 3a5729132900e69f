"""A hub under load: 20 sessions that work, 200 pages that look on, and some that stop reading.

Run by `make bench`, or by itself: `python scripts/bench_load.py`. The hub is the real one, as a
process of its own; in place of containers, which one machine could not hold, another process
speaks as their runners do, over the real sockets. Pages are a third process. What is measured is
the time from a runner's sending an event to a page's having it.
"""

import asyncio
import contextlib
import itertools
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from websockets.asyncio.client import ClientConnection, unix_connect

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.hubs import Client, HubProcess  # noqa: E402 - found by the line above

from bunkhouse.cli.program import main as bunkhouse_program  # noqa: E402
from bunkhouse.errors import EngineDown  # noqa: E402
from bunkhouse.sandboxes.engine import EngineInfo  # noqa: E402
from bunkhouse.sandboxes.fake import FakeProvider  # noqa: E402
from bunkhouse.sandboxes.images import ImageStatus  # noqa: E402
from bunkhouse.sandboxes.provider import SandboxSpec  # noqa: E402
from bunkhouse.sandboxes.readiness import Readiness  # noqa: E402
from bunkhouse_protocol.events import AgentMessageChunk  # noqa: E402
from bunkhouse_protocol.link import (  # noqa: E402
    DOWN,
    CommandFrame,
    EventFrame,
    Hello,
    PromptCommand,
    Ready,
    Received,
)

SESSIONS = 20
VIEWERS = 200
STALLED = 20
"""Pages that connect and never read."""
EVENTS_A_SECOND = 10
"""Of each session: as many as a runner sends while an agent writes."""
SECONDS = 20.0
SETTINGS = {"BUNKHOUSE_MAX_SANDBOXES": "100"}
_SENT = re.compile(rb'"text":"at (\d+) ')


def measure() -> dict[str, float]:
    """Give p50 and p95 in milliseconds, without and with stalled pages, and MiB of the hub."""
    with tempfile.TemporaryDirectory(prefix="bh") as folder:
        hub = HubProcess(Path(folder) / "hub", SETTINGS, program=(sys.executable, __file__))
        hub.start()
        try:
            client = Client(hub)
            idle = _memory(hub)
            with _runners(hub):
                sessions = [client.create("work") for _ in range(SESSIONS)]
                alone = asyncio.run(_look(hub, _ends(client, sessions), stalled=0))
                crowded = asyncio.run(_look(hub, _ends(client, sessions), stalled=STALLED))
                loaded = _memory(hub)
        finally:
            hub.kill()
    return {
        "p50": _percentile(alone, 50),
        "p95": _percentile(alone, 95),
        "p95 beside stalled pages": _percentile(crowded, 95),
        "deliveries per second": len(alone) / SECONDS,
        "MiB idle": idle,
        "MiB loaded": loaded,
    }


def _ends(client: Client, sessions: list[str]) -> dict[str, int]:
    """Say where each session's log ends now."""
    return {session: client.session(session)["last_seq"] for session in sessions}


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def _memory(hub: HubProcess) -> float:
    assert hub.process is not None
    status = Path(f"/proc/{hub.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


# ── pages ────────────────────────────────────────────────────────────────────────────────────


async def _look(hub: HubProcess, sessions: dict[str, int], stalled: int) -> list[float]:
    """Open the pages, wait until all read, and note for a while how late they have each event."""
    late: list[float] = []
    pages: list[asyncio.StreamWriter] = []
    reading: list[asyncio.Task[None]] = []
    turns = itertools.cycle(sessions.items())
    for _ in range(stalled):
        pages.append((await _open(hub, *next(turns)))[1])
    readers: list[asyncio.Event] = []
    for _ in range(VIEWERS):
        reader, writer = await _open(hub, *next(turns))
        pages.append(writer)
        there = asyncio.Event()
        readers.append(there)
        reading.append(asyncio.create_task(_read(reader, there, late)))
    try:
        for there in readers:
            await there.wait()
        late.clear()  # what was there before they came
        await asyncio.sleep(SECONDS)
    finally:
        for task in reading:
            task.cancel()
        results = await asyncio.gather(*reading, return_exceptions=True)
        for writer in pages:
            writer.transport.abort()
    for result in results:
        if not isinstance(result, asyncio.CancelledError):
            raise ConnectionError("a page's stream broke off") from result
    return late


async def _open(
    hub: HubProcess, session: str, after: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = hub.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=2**24)
    writer.write(
        f"GET /api/events?session={session}&after={after} HTTP/1.1\r\nHost: {host}:{port}\r\n"
        f"Authorization: Bearer {hub.token}\r\nAccept: text/event-stream\r\n\r\n".encode()
    )
    return reader, writer


async def _read(reader: asyncio.StreamReader, there: asyncio.Event, late: list[float]) -> None:
    while data := await reader.readuntil(b"\n"):
        now = time.monotonic_ns()
        for sent in _SENT.findall(data):
            late.append((now - int(sent)) / 1e6)
            there.set()


# ── runners ──────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def _runners(hub: HubProcess) -> Generator[None]:
    command = [sys.executable, __file__, "runners", str(_announced(hub.data_dir))]
    with subprocess.Popen(command) as process:
        try:
            yield
        finally:
            process.terminate()


async def _run_all(announced: Path) -> None:
    """Be the runner of every sandbox that the hub has made."""
    running: dict[Path, asyncio.Task[None]] = {}
    while True:
        for found in _files(announced) - running.keys():
            running[found] = asyncio.create_task(_run(json.loads(found.read_text())))
        await asyncio.sleep(0.1)  # a file tells of a sandbox by being there


def _files(announced: Path) -> set[Path]:
    return set(announced.glob("*.json"))


async def _run(sandbox: dict[str, Any]) -> None:
    """Set up at once, and answer the prompt with words without end."""
    speaking: list[asyncio.Task[None]] = []
    async with unix_connect(
        f"{sandbox['run_dir']}/hub.sock",
        "ws://hub/sandbox/link",
        additional_headers={"authorization": f"Bearer {sandbox['token']}"},
    ) as link:
        await link.send(Hello(spool_id=sandbox["sandbox_id"]).model_dump_json())
        await link.send(Ready(ok=True).model_dump_json())
        async for message in link:
            frame = DOWN.validate_json(message)
            if isinstance(frame, CommandFrame):
                await link.send(Received(id=frame.id).model_dump_json())
                if isinstance(frame.command, PromptCommand):
                    speaking.append(asyncio.create_task(_speak(link, frame.command.turn_id)))


async def _speak(link: ClientConnection, turn: str) -> None:
    for n in itertools.count(1):
        words = f"at {time.monotonic_ns()} and so on, as agents write"
        event = AgentMessageChunk(message_id=turn, text=words)
        await link.send(EventFrame(n=n, event=event).model_dump_json())
        await asyncio.sleep(1 / EVENTS_A_SECOND)


# ── the hub ──────────────────────────────────────────────────────────────────────────────────


def _announced(data_dir: Path) -> Path:
    return data_dir / "announced"


class _Engine(FakeProvider):
    """In place of `LocalEngine`: sandboxes of which only a file with their token is there."""

    def __init__(self, settings: Any, _installation: str) -> None:
        super().__init__(self._announce)
        self._folder = _announced(settings.data_dir)
        self._folder.mkdir(exist_ok=True)

    async def _announce(self, spec: SandboxSpec) -> int | None:
        told = {"run_dir": str(spec.run_dir), "token": spec.token, "sandbox_id": spec.sandbox_id}
        file = self._folder / f"{spec.sandbox_id}.json"
        file.with_suffix(".new").write_text(json.dumps(told))
        file.with_suffix(".new").rename(file)
        await asyncio.Event().wait()
        return 0

    async def info(self) -> EngineInfo:
        raise EngineDown("This hub has no engine: it is measured.")

    async def image(self) -> ImageStatus:
        return ImageStatus(state="ready")

    async def close(self) -> None:
        """There is nothing to let go of."""


async def _ready(*_: object) -> Readiness:
    return Readiness("none", None)


def _serve() -> None:
    with patch("bunkhouse.app.LocalEngine", _Engine), patch("bunkhouse.app.readiness", _ready):
        bunkhouse_program()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", *_]:
            _serve()
        case ["runners", announced]:
            asyncio.run(_run_all(Path(announced)))
        case _:
            print(json.dumps(measure(), indent=2))
