"""Opens the database and hands out transactions.

SQLite in WAL mode: any number of readers beside one writer. Writes take the lock at once (`BEGIN
IMMEDIATE`), so that a transaction that has read something may also write it without a deadlock.
`synchronous=NORMAL` means: a killed hub loses nothing; a power cut may lose the last transactions,
never the consistency of the file.
"""

import asyncio
import errno
import fcntl
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bunkhouse.errors import StorageFull, Unavailable

Transaction = AsyncConnection
"""What queries take: a connection inside a transaction."""

_BUSY_SECONDS = 30
_MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """One database of one installation."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reading = _engine(path, begin="BEGIN", connections=8)
        self._writing = _engine(path, begin="BEGIN IMMEDIATE", connections=1)

    @classmethod
    async def open(cls, path: Path) -> "Database":
        """Open, creating the file and bringing its tables up to date.

        Raises:
            StorageFull: the disk is full.
            Unavailable: the file can't be opened, for example for want of rights.
        """
        with _Translated(path):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except (PermissionError, FileExistsError, NotADirectoryError) as error:
                raise _closed(path) from error
            await asyncio.to_thread(_migrate, path)
        return cls(path)

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[Transaction]:
        """A consistent view; nothing is written."""
        with _Translated(self.path):
            async with self._reading.connect() as tx:
                yield tx

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[Transaction]:
        """A transaction: all of it happens, or nothing if the block raises."""
        with _Translated(self.path):
            async with self._writing.begin() as tx:
                yield tx

    async def close(self) -> None:
        """Close all connections."""
        await self._reading.dispose()
        await self._writing.dispose()


def _engine(path: Path, *, begin: str, connections: int) -> AsyncEngine:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}",
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_BUSY_SECONDS,
        connect_args={"timeout": _BUSY_SECONDS},
    )

    # The driver would open transactions by itself, and only before the first write.
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def began(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(engine.sync_engine, "begin", began)
    return engine


def _migrate(path: Path) -> None:
    """Apply the migrations that this file lacks; safe when two processes do it at once."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_SECONDS})
    try:
        with _alone(path), engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.rollback()
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    finally:
        engine.dispose()


@contextmanager
def _alone(path: Path) -> Generator[None]:
    """Holds a lock file: SQLite does not wait for others when a new file changes to WAL."""
    with path.with_name(f"{path.name}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class _Translated:
    """Turns the driver's errors that people can do something about into ours."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise _full(self._path) from error
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EROFS):
            raise _closed(self._path) from error
        if isinstance(error, OperationalError):
            if "disk is full" in str(error) or "disk I/O error" in str(error):
                raise _full(self._path) from error
            if "unable to open" in str(error) or "readonly" in str(error):
                raise _closed(self._path) from error


def _full(path: Path) -> StorageFull:
    return StorageFull(
        f"The disk that holds {path.parent} is full.",
        remedy="Free some space there; what was stored before is safe.",
    )


def _closed(path: Path) -> Unavailable:
    return Unavailable(
        f"The database {path} can't be opened.",
        remedy="Check that its folder can be made and is yours, or set BUNKHOUSE_DATA_DIR.",
    )
