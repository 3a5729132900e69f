"""How many changes of sessions a store takes: `.venv/bin/python scripts/bench_store.py [URL]`.

Each writer is a session whose agent speaks: one frame of text for each change, one after the other.
SQLite is measured in three ways to commit: without waiting for the disk, waiting within each
commit, and as the hub does it, waiting beside them for all at once. With the URL of an empty
Postgres database that is measured as well. Compare runs on the same machine only.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bunkhouse.bus.memory import MemoryBus
from bunkhouse.sessions import Journal
from bunkhouse.store import Database, Place, sqlite
from bunkhouse_protocol.events import AgentMessageChunk

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 3.0
WRITERS = (1, 20)
ROUNDS = 3


async def measure(place: Place, writers: int) -> tuple[float, list[float]]:
    """Changes for each second, and how long each took in milliseconds."""
    database = await Database.open(place)
    journal = Journal(database, MemoryBus())
    begin = time.time_ns()
    names = [f"{begin + number:x}"[-16:] for number in range(writers)]
    for name in names:
        async with journal.begin(name, _columns()):
            pass
    took: list[float] = []
    until = time.monotonic() + SECONDS

    async def speak(name: str) -> None:
        number = 0
        while (began := time.monotonic()) < until:
            async with journal.change(name) as change:
                change.record(AgentMessageChunk(message_id=str(number // 50), text="some words "))
            took.append((time.monotonic() - began) * 1000)
            number += 1

    await asyncio.gather(*(speak(name) for name in names))
    await database.close()
    return len(took) / SECONDS, took


def _columns() -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "title": "t",
        "state": "idle",
        "model": "demo/demo",
        "permissions": {},
        "author_id": "u",
        "author": "U",
        "created_at": now,
        "updated_at": now,
        "pending": {},
    }


async def _no_wait(self: sqlite.SQLite) -> None:
    pass


WAYS: dict[str, tuple[str, Callable[..., Any]]] = {
    "no wait": ("NORMAL", _no_wait),
    "each commit": ("FULL", _no_wait),
    "in groups": ("NORMAL", sqlite.SQLite.settled),
}


async def main() -> None:
    """Print a line for each measurement."""
    (ROOT / "build").mkdir(exist_ok=True)
    pragmas = sqlite._PRAGMAS  # pyright: ignore[reportPrivateUsage]
    for _ in range(ROUNDS):
        for name, (synchronous, settled) in WAYS.items():
            given = tuple(each for each in pragmas if not each.startswith("synchronous"))
            sqlite._PRAGMAS = (*given, f"synchronous={synchronous}")  # pyright: ignore
            sqlite.SQLite.settled = settled  # pyright: ignore[reportAttributeAccessIssue]
            for writers in WRITERS:
                with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
                    _print(f"sqlite, {name}", writers, await measure(Path(folder) / "b", writers))
        for url in sys.argv[1:]:
            for writers in WRITERS:
                _print("postgres", writers, await measure(url, writers))


def _print(name: str, writers: int, measured: tuple[float, list[float]]) -> None:
    rate, took = measured
    high = statistics.quantiles(took, n=20)[-1]
    print(
        f"{name:20} {writers:3} writers  {rate:6.0f} changes/s"
        f"  median {statistics.median(took):6.1f} ms  95 % {high:6.1f} ms"
    )


if __name__ == "__main__":
    asyncio.run(main())
