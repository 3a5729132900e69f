"""Which hub works on a data folder: one at a time, and everybody can find it.

The hub holds a lock on `hub.lock` for as long as it lives, however it dies; `hub.json` says where
it listens and is believed only while the lock is held.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path

from bunkhouse.errors import Conflict, StorageFull, Unavailable

_CLAIM_SECONDS = 1.0
"""Somebody who only looks holds the lock for a moment; who claims it tries that long."""


@dataclass(frozen=True, slots=True)
class RunningHub:
    """A hub that works on a data folder, as programs on its machine reach it."""

    url: str
    pid: int


class Claim:
    """This process is the hub of the folder."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "hub.json"

    def announce(self, url: str) -> None:
        """Say where the hub listens."""
        temporary = self._file.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(RunningHub(url, os.getpid()))))
        temporary.replace(self._file)

    def withdraw(self) -> None:
        """Say that it listens no more."""
        self._file.unlink(missing_ok=True)


@contextlib.contextmanager
def claim(data_dir: Path) -> Generator[Claim]:
    """Become the hub of a data folder until the block ends.

    Raises:
        Conflict: another one is; the message says where.
        Unavailable: the folder can't be made or written to.
        StorageFull: its disk is full.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(data_dir / "hub.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno == 28:
            raise StorageFull(
                f"The disk that holds {data_dir} is full.", remedy="Free some space there."
            ) from error
        raise Unavailable(
            f"The data folder {data_dir} can't be used: {error.strerror}.",
            remedy="Check that it is yours, or name another with --data-dir.",
        ) from error
    try:
        if not _locked(lock):
            raise _taken(data_dir)
        claimed = Claim(data_dir)
        try:
            yield claimed
        finally:
            claimed.withdraw()
    finally:
        os.close(lock)


def running(data_dir: Path) -> RunningHub | None:
    """Find the hub of a data folder; None if there is none, or it does not listen yet."""
    try:
        lock = os.open(data_dir / "hub.lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _announced(data_dir)
    finally:
        os.close(lock)
    return None


def _announced(data_dir: Path) -> RunningHub | None:
    try:
        told = json.loads((data_dir / "hub.json").read_text())
        return RunningHub(str(told["url"]), int(told["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _locked(lock: int) -> bool:
    until = time.monotonic() + _CLAIM_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        else:
            return True


def _taken(data_dir: Path) -> Conflict:
    other = _announced(data_dir)
    where = f" at {other.url} (process {other.pid})" if other else ""
    return Conflict(
        f"A hub runs on {data_dir} already{where}.",
        remedy="Use that one, or give this one another folder with --data-dir.",
        code="already_running",
    )
