"""What was written is there after the process is killed, and after a loss of power."""

import asyncio
import os
import shutil
import signal
import sys
import threading
from pathlib import Path

import pytest

from bunkhouse.errors import StorageFull
from bunkhouse.store import Database, Place, sessions

from .rows import add_session

_WRITES = """
import asyncio, sys
from pathlib import Path
from bunkhouse.store import Database
from {rows} import add_session

async def main(place):
    store = await Database.open(place)
    async def write(name):
        for number in range(10**6):
            async with store.write() as tx:
                await add_session(tx, f"{{name}}{{number}}")
            print(f"{{name}}{{number}}", flush=True)
    await asyncio.gather(*(write(name) for name in "abc"))

place = sys.argv[1]
asyncio.run(main(place if "://" in place else Path(place)))
"""


async def test_what_a_killed_process_has_written_is_there(store_place: Place) -> None:
    rows = __name__.rpartition(".")[0] + ".rows"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    writer = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _WRITES.format(rows=rows),
        str(store_place),
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    assert writer.stdout is not None
    async with asyncio.timeout(60):
        told = [(await writer.stdout.readline()).decode().strip() for _ in range(40)]
        writer.send_signal(signal.SIGKILL)
        told += (await writer.stdout.read()).decode().split()
        await writer.wait()
    store = await Database.open(store_place)
    async with store.read() as tx:
        there = {row.id for row in await sessions.in_states(tx, "idle")}
    await store.close()
    assert "" not in told
    assert set(told) <= there


class Disk:
    """Keeps what a disk has for certain: the files as they were at the last sync of the log."""

    def __init__(self, store: Path, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._kept = folder
        self.syncs = 0

    def fdatasync(self, _file: int) -> None:
        self.syncs += 1
        kept = self._folder / str(self.syncs)
        kept.mkdir(parents=True)
        for name in (self._store.name, f"{self._store.name}-wal"):
            shutil.copy(self._store.with_name(name), kept)
        self._kept = kept

    async def after_power_was_lost(self, at: Path) -> set[str]:
        """Which sessions there are when the machine is on again."""
        shutil.copytree(self._kept, at)
        store = await Database.open(at / self._store.name)
        async with store.read() as tx:
            found = {row.id for row in await sessions.in_states(tx, "idle")}
        await store.close()
        return found


async def test_what_was_written_is_there_after_a_loss_of_power(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "store").mkdir()
    path = tmp_path / "store" / "b.db"
    disk = Disk(path, tmp_path / "disk")
    monkeypatch.setattr("bunkhouse.store.sqlite.os.fdatasync", disk.fdatasync)
    store = await Database.open(path)

    async def write(name: str) -> None:
        for number in range(5):
            async with store.write() as tx:
                await add_session(tx, f"{name}{number}")
            done.add(f"{name}{number}")
            promised, boot = set(done), tmp_path / f"boot-{name}{number}"
            assert promised <= await disk.after_power_was_lost(boot)

    done: set[str] = set()
    await asyncio.gather(*(write(name) for name in "abcd"))
    await store.close()
    assert len(done) == 20


async def test_who_writes_during_a_sync_waits_for_the_next_one_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs: list[int] = []
    slow = threading.Event()

    def fdatasync(file: int) -> None:
        syncs.append(file)
        assert slow.wait(30)

    store = await Database.open(tmp_path / "b.db")
    monkeypatch.setattr("bunkhouse.store.sqlite.os.fdatasync", fdatasync)

    async def write(number: int) -> None:
        async with store.write() as tx:
            await add_session(tx, f"s{number}")

    async with asyncio.timeout(30), asyncio.TaskGroup() as writers:
        tasks = [writers.create_task(write(number)) for number in range(8)]
        committed = 0
        while committed < len(tasks):  # nobody who writes is held up by the disk
            async with store.read() as tx:
                committed = len(await sessions.in_states(tx, "idle"))
        assert not any(task.done() for task in tasks)
        slow.set()
    assert len(syncs) == 2
    await store.close()


async def test_a_disk_that_fails_at_the_sync_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_file: int) -> None:
        raise OSError(5, "Input/output error")

    store = await Database.open(tmp_path / "b.db")
    with monkeypatch.context() as broken:
        broken.setattr("bunkhouse.store.sqlite.os.fdatasync", fails)
        with pytest.raises(StorageFull):
            async with store.write() as tx:
                await add_session(tx)
    async with store.write() as tx:
        await add_session(tx, "after")
    await store.close()
