"""Opens the database and hands out transactions.

The same queries and migrations run on two stores: SQLite in the data folder (`sqlite`), and
Postgres (`postgres`). What differs between them (how transactions begin, how a migration is alone,
what errors mean) stands in those two files.
"""

import asyncio
import zlib
from collections.abc import AsyncGenerator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bunkhouse.errors import BunkhouseError
from bunkhouse.store import schema
from bunkhouse.store.connections import Connections, Transaction
from bunkhouse.store.postgres import Postgres
from bunkhouse.store.sqlite import SQLite

Place = Path | str
"""Where a store is: the path of an SQLite file, or the URL of a Postgres database."""

CONNECTIONS = 16


class Backend(Protocol):
    """What differs between the stores."""

    def readers(self) -> AsyncEngine:
        """Connections whose transactions see one moment of the store, and write nothing."""
        ...

    def writers(self) -> AsyncEngine:
        """Connections whose transactions write."""
        ...

    def alone(self) -> AbstractContextManager[Connection]:
        """A transaction for changing the tables, as the only one who does; the store is made."""
        ...

    def claimed(self) -> AbstractAsyncContextManager[None]:
        """Be the only hub of the store. Raises `Conflict` where another is."""
        ...

    def filled(self, connection: Connection) -> None:
        """Rows were put in with the keys that they had: new ones go on above them."""
        ...

    async def settled(self) -> None:
        """Until what was committed so far outlives a loss of power."""
        ...

    def explain(self, error: Exception) -> BunkhouseError | None:
        """What a person can do about a driver's error; None where it is our own mistake."""
        ...


class Database:
    """One database of one installation."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._reading = Connections(backend.readers())
        self._writing = Connections(backend.writers())

    @classmethod
    async def open(cls, place: Place, *, connections: int = CONNECTIONS) -> "Database":
        """Open, creating the file and bringing its tables up to date.

        `connections`: how many there may be to a server at once.

        Raises:
            StorageFull: the disk is full.
            Unavailable: the store can't be opened, or a newer version has written it.
        """
        backend = at(place, connections=connections)
        with Explained(backend):
            await asyncio.to_thread(_upgrade, backend)
        return cls(backend)

    @classmethod
    def as_it_is(cls, place: Place) -> "Database":
        """A store whose tables may be those of another version; nothing is made or migrated."""
        return cls(at(place))

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[Transaction]:
        """A consistent view; nothing is written."""
        with Explained(self._backend):
            async with self._reading.reading() as tx:
                yield tx

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[Transaction]:
        """A transaction: all of it happens, or nothing if the block raises.

        When this ends, what was written outlives a killed hub and a loss of power.
        """
        with Explained(self._backend):
            async with self._writing.writing() as tx:
                yield tx
            await self._backend.settled()

    @asynccontextmanager
    async def claimed(self) -> AsyncGenerator[None]:
        """Be the only hub of this store until the block ends.

        A hub that died holds it no longer. SQLite needs none of this: its data folder is claimed.

        Raises:
            Conflict: another hub works on it.
        """
        async with AsyncExitStack() as stack:
            with Explained(self._backend):
                await stack.enter_async_context(self._backend.claimed())
            yield

    async def close(self) -> None:
        """Close all connections."""
        await self._reading.close()
        await self._writing.close()


def at(place: Place, *, connections: int = CONNECTIONS) -> Backend:
    """The backend of a place."""
    return SQLite(place) if isinstance(place, Path) else Postgres(place, connections=connections)


async def hold(tx: Transaction, name: str) -> None:
    """Be the only transaction that holds this name, until it ends.

    For what is asked first and written then, where there is no row yet that could be locked. SQLite
    has one writer at a time, who holds everything.
    """
    if tx.dialect.name == "postgresql":
        await tx.execute(select(func.pg_advisory_xact_lock(zlib.crc32(name.encode()))))


def _upgrade(backend: Backend) -> None:
    with backend.alone() as connection:
        schema.upgrade(connection)


class Explained:
    """Turns the driver's errors that people can do something about into ours."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Exception):
            ours = self._backend.explain(error)
            if ours is not None:
                raise ours from error
