"""The store on a server: Postgres.

Many write at once, so what one writer gave for free is said: a change of a session locks the
session's row (`sessions.get`), and what has no row yet is held by name (`database.hold`). Writes
run in READ COMMITTED, where what is read after such a lock is what its last holder left; reads in
REPEATABLE READ, which sees one moment.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import (
    BigInteger,
    Connection,
    cast,
    column,
    create_engine,
    event,
    func,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import REGCLASS
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bunkhouse.errors import BunkhouseError, Conflict, InvalidInput, StorageFull, Unavailable
from bunkhouse.store import encoding

_BUSY_SECONDS = 30
_CONNECT_SECONDS = 10
_CLAIM_SECONDS = 3.0
"""So long the lock of a hub that has just died may still be seen."""

_SETTINGS = {
    "lock_timeout": f"{_BUSY_SECONDS}s",
    # What a machine that has gone holds is given up soon; by itself TCP takes hours.
    "idle_in_transaction_session_timeout": "120s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}

_TABLES = 0x62756E6B01
_HUB = 0x62756E6B02
"""Numbers of advisory locks, which no name held in a transaction has: those have 32 bits."""


class Postgres:
    """A `Backend`. `url` is as libpq takes it; `connections` are for reading and writing together.

    Raises:
        InvalidInput: the URL is none.
    """

    def __init__(self, url: str, *, connections: int) -> None:
        try:
            given: dict[str, Any] = conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            # What is wrong with it may have the password in it.
            raise InvalidInput(
                "BUNKHOUSE_DATABASE_URL is no URL of a Postgres database.",
                remedy="Write it as postgresql://USER:PASSWORD@HOST/DATABASE.",
            ) from error
        self._arguments = {
            "application_name": "bunkhouse",
            "connect_timeout": str(_CONNECT_SECONDS),
            **given,
            "client_encoding": "UTF8",
        }
        self._each = max(1, connections // 2)
        self._name = f"{given.get('dbname', '')} at {given.get('host') or 'the default host'}"

    def readers(self) -> AsyncEngine:
        """Each transaction sees one moment."""
        engine = self._engine(isolation_level="REPEATABLE READ")
        return engine.execution_options(postgresql_readonly=True)

    def writers(self) -> AsyncEngine:
        """Several write at once; two changes of one session wait for each other at its row."""
        return self._engine(isolation_level="READ COMMITTED")

    @contextmanager
    def alone(self) -> Generator[Connection]:
        """Hold an advisory lock meanwhile; it ends with the transaction."""
        engine = create_engine(
            "postgresql+psycopg://",
            connect_args=self._arguments,
            json_serializer=encoding.dumps,
        )
        try:
            with engine.begin() as connection:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_TABLES})")
                used = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
                if used != "UTF8":
                    raise Unavailable(
                        f"The database {self._name} has the encoding {used}.",
                        remedy="Make it with: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
                    )
                yield connection
        finally:
            engine.dispose()

    @asynccontextmanager
    async def claimed(self) -> AsyncGenerator[None]:
        """Hold an advisory lock of a connection that is there for this alone."""
        connection = await psycopg.AsyncConnection.connect(
            make_conninfo("", **self._arguments), autocommit=True
        )
        try:
            until = time.monotonic() + _CLAIM_SECONDS
            while not await _locked(connection):
                if time.monotonic() > until:
                    raise Conflict(
                        f"A hub works on the database {self._name} already.",
                        remedy="Stop that one first: several on one database are not supported.",
                        code="already_running",
                    )
                await asyncio.sleep(0.1)
            yield
        finally:
            await connection.close()

    def filled(self, connection: Connection) -> None:
        """Set each sequence to the highest key of its column."""
        sequences = connection.exec_driver_sql(
            "SELECT pg_get_serial_sequence(quote_ident(table_name), column_name), table_name,"
            " column_name FROM information_schema.columns WHERE table_schema = current_schema()"
            " AND pg_get_serial_sequence(quote_ident(table_name), column_name) IS NOT NULL"
        ).all()
        for sequence, name, key in sequences:
            highest = func.max(column(key, BigInteger))
            connection.execute(
                select(func.setval(cast(sequence, REGCLASS), highest))
                .select_from(table(name))
                .having(highest.is_not(None))
            )

    async def settled(self) -> None:
        """The server answers a commit when it is on its disk."""

    def explain(self, error: Exception) -> BunkhouseError | None:
        """By the driver's classes, which are those of SQLSTATE."""
        driver = error.orig if isinstance(error, DBAPIError) else error
        match driver:
            case psycopg.errors.DiskFull():
                return StorageFull(
                    f"The disk of the database {self._name} is full.",
                    remedy="Free some space there; what was stored before is safe.",
                )
            case psycopg.errors.LockNotAvailable() | psycopg.errors.DeadlockDetected():
                return Unavailable(
                    f"The database {self._name} is busy: what is to be changed is held by others.",
                    remedy="Try again in a moment.",
                    code="store_busy",
                )
            case psycopg.DataError():
                return InvalidInput(
                    f"This can't be stored: {_first_line(driver)}.", code="not_storable"
                )
            case psycopg.OperationalError() | psycopg.errors.InsufficientPrivilege():
                return Unavailable(
                    f"The database {self._name} can't be used: {_first_line(driver)}.",
                    remedy="Check that its server runs, can be reached, and lets in whom "
                    "BUNKHOUSE_DATABASE_URL names.",
                    code="store_unavailable",
                )
            case _:
                return None

    def _engine(self, **options: Any) -> AsyncEngine:
        engine = create_async_engine(
            "postgresql+psycopg://",
            connect_args=self._arguments,
            json_serializer=encoding.dumps,
            pool_size=self._each,
            max_overflow=0,
            pool_timeout=_BUSY_SECONDS,
            pool_pre_ping=True,  # a server that was started again is not noticed by anybody
            **options,
        )

        def connected(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            for name, value in _SETTINGS.items():
                cursor.execute(f"SET {name} = '{value}'")
            cursor.close()
            connection.commit()

        event.listen(engine.sync_engine, "connect", connected)
        return engine


async def _locked(connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> bool:
    cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", (_HUB,))
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


def _first_line(error: psycopg.Error) -> str:
    return (str(error).strip().splitlines() or ["no reason was given"])[0].rstrip(".")
