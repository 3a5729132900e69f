"""The store in a file: SQLite in WAL mode, any number of readers beside one writer.

Writes take the lock at once (`BEGIN IMMEDIATE`), so that a transaction that has read something may
also write it without a deadlock. The hub has one connection that writes: its changes wait for each
other in the process, in order, and only for another process (a command) at the file.

`synchronous=NORMAL`: a commit writes to the log and does not wait for the disk. That is done beside
it, once for all who have committed meanwhile, while others write on: a group commit in which each
change is still a transaction of its own, so that none can take another down.
"""

import asyncio
import errno
import fcntl
import os
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bunkhouse.errors import BunkhouseError, StorageFull, Unavailable
from bunkhouse.store import encoding

_BUSY_SECONDS = 30
_READERS = 8
_WAL_BYTES = 64 * 1024 * 1024
"""To this the write-ahead log is cut back, after a long reader (a backup) has let it grow."""

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "foreign_keys=ON",
    f"journal_size_limit={_WAL_BYTES}",
)


class SQLite:
    """A `Backend`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._syncing = asyncio.Lock()
        self._next_sync: asyncio.Task[None] | None = None

    def readers(self) -> AsyncEngine:
        """A transaction that only reads sees one moment of the file, by itself."""
        return self._engine("BEGIN", _READERS)

    def writers(self) -> AsyncEngine:
        """There is one."""
        return self._engine("BEGIN IMMEDIATE", 1)

    @contextmanager
    def alone(self) -> Generator[Connection]:
        """Hold a lock file meanwhile: SQLite does not wait while a new file changes to WAL."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except (PermissionError, FileExistsError, NotADirectoryError) as error:
            raise self._closed() from error
        engine = create_engine(
            f"sqlite:///{self._path}",
            connect_args={"timeout": _BUSY_SECONDS},
            json_serializer=encoding.dumps,
        )
        try:
            with self._locked(), engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                connection.rollback()
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
                connection.commit()
        finally:
            engine.dispose()

    @asynccontextmanager
    async def claimed(self) -> AsyncGenerator[None]:
        """Whoever has the data folder has the file."""
        yield

    def filled(self, connection: Connection) -> None:
        """SQLite sees to it by itself."""

    async def settled(self) -> None:
        """Wait for a sync that begins after this call; who calls meanwhile waits for the same."""
        if self._next_sync is None:
            self._next_sync = asyncio.create_task(self._sync())
        await asyncio.shield(self._next_sync)

    async def _sync(self) -> None:
        async with self._syncing:
            self._next_sync = None  # what is committed from now on may not be in it
            await asyncio.to_thread(_sync_log, self._path.with_name(f"{self._path.name}-wal"))

    def explain(self, error: Exception) -> BunkhouseError | None:
        """By the driver's words: of what it tells in numbers, SQLAlchemy passes on nothing."""
        match error:
            case OSError(errno=errno.ENOSPC | errno.EIO):
                return self._full()
            case OSError(errno=errno.EACCES | errno.EROFS):
                return self._closed()
            case OperationalError():
                return self._said(str(error.orig))
            case _:
                return None

    def _said(self, words: str) -> BunkhouseError | None:
        if "disk is full" in words or "disk I/O error" in words:
            return self._full()
        if "unable to open" in words or "readonly" in words:
            return self._closed()
        if "database is locked" in words:
            return Unavailable(
                f"Another program has held the database {self._path} for {_BUSY_SECONDS} s.",
                remedy="Try again when it has ended.",
                code="store_busy",
            )
        return None

    def _engine(self, begin: str, connections: int) -> AsyncEngine:
        engine = create_async_engine(
            f"sqlite+aiosqlite:///{self._path}",
            pool_size=connections,
            max_overflow=0,
            pool_timeout=_BUSY_SECONDS,
            json_serializer=encoding.dumps,
            connect_args={"timeout": _BUSY_SECONDS},
        )

        # The driver would open transactions by itself, and only before the first write.
        def connected(connection: Any, _record: object) -> None:
            connection.isolation_level = None
            cursor = connection.cursor()
            for pragma in _PRAGMAS:
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

        def began(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        event.listen(engine.sync_engine, "connect", connected)
        event.listen(engine.sync_engine, "begin", began)
        return engine

    @contextmanager
    def _locked(self) -> Generator[None]:
        with self._path.with_name(f"{self._path.name}.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _full(self) -> StorageFull:
        return StorageFull(
            f"The disk that holds {self._path.parent} is full.",
            remedy="Free some space there; what was stored before is safe.",
        )

    def _closed(self) -> Unavailable:
        return Unavailable(
            f"The database {self._path} can't be opened.",
            remedy="Check that its folder can be made and is yours, or set BUNKHOUSE_DATA_DIR.",
        )


def _sync_log(path: Path) -> None:
    """Bring the write-ahead log to the disk: all that is in no checkpoint yet.

    A checkpoint syncs by itself, both files, before the log begins anew or goes. SQLite's locks are
    on the other two files, so to close this one costs none of them.
    """
    try:
        log = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fdatasync(log)
    finally:
        os.close(log)
