"""All rows of a store, out of it and into an empty one, whichever kind each of them is.

A row is a line of JSON: an object with its columns; times as ISO 8601 in UTC, bytes as base64. The
tables are taken as they are found, not as this version knows them. So rows can be taken from a
store of any revision, and are put into tables of that revision, which are then migrated.
"""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, func, insert, select
from sqlalchemy.types import JSON, DateTime, LargeBinary

from bunkhouse.errors import Conflict, InvalidInput
from bunkhouse.store import database, encoding, schema
from bunkhouse.store.connections import Transaction
from bunkhouse.store.database import Explained, Place

_PART_BYTES = 4 * 1024 * 1024
_FETCHED = 50
"""Rows that are asked for at once: an event may have some mebibytes."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a table, as lines."""

    table: str
    rows: int
    lines: bytes


# ── out ──────────────────────────────────────────────────────────────────────────────────────


async def revision(tx: Transaction) -> str | None:
    """The revision of the tables that are there; None where there are none."""
    return await tx.run_sync(schema.revision)


async def rows(tx: Transaction) -> AsyncGenerator[Part]:
    """All rows of the moment that `tx` sees, tables before those that refer to them."""
    for table in await tx.run_sync(_tables):
        query = select(table).order_by(*table.primary_key.columns)
        lines: list[bytes] = []
        size = 0
        found = await tx.stream(query.execution_options(yield_per=_FETCHED))
        async for row in found.mappings():
            lines.append(_line(table, dict(row)))
            size += len(lines[-1])
            if size > _PART_BYTES:
                yield Part(table.name, len(lines), b"".join(lines))
                lines, size = [], 0
        yield Part(table.name, len(lines), b"".join(lines))


def _tables(connection: Connection) -> list[Table]:
    """All but alembic's own, as the store describes them, none before one that it refers to."""
    found = MetaData()
    found.reflect(connection, only=lambda name, _: name != "alembic_version")
    for table in found.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, JSON):
                # Only where a column may not be empty does None stand for the null of JSON.
                column.type = JSON(none_as_null=bool(column.nullable))
    return found.sorted_tables


def _line(table: Table, row: dict[str, Any]) -> bytes:
    plain = {column.name: _plain(row[column.name]) for column in table.columns}
    return json.dumps(plain, separators=(",", ":")).encode() + b"\n"


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            aware = value if value.tzinfo else value.replace(tzinfo=UTC)
            return aware.astimezone(UTC).isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            return value


# ── in ───────────────────────────────────────────────────────────────────────────────────────


async def fill(
    place: Place, at: str, parts: Iterable[Part], *, before_end: Callable[[], None]
) -> None:
    """Put rows of revision `at` into a store that has none, and bring its tables up to date.

    All of it happens or nothing. `before_end` is called when all rows are in; if it raises, nothing
    has happened either.

    Raises:
        Conflict: something is in the store.
        InvalidInput: the rows are not those of that revision.
    """
    backend = database.at(place)

    def work() -> None:
        with backend.alone() as connection:
            _make_empty(connection, place)
            schema.upgrade(connection, at)
            there = {table.name: table for table in _tables(connection)}
            for part in parts:
                if part.table not in there:
                    raise InvalidInput(f"Revision {at} has no table {part.table}.")
                _put(connection, there[part.table], part)
            schema.upgrade(connection)
            backend.filled(connection)
            before_end()

    with Explained(backend):
        await asyncio.to_thread(work)


def _make_empty(connection: Connection, place: Place) -> None:
    """Take tables that are there and have no rows away: they may be of another revision."""
    found = _tables(connection)
    if not found:
        return
    version = schema.revision(connection)
    used = any(
        connection.execute(select(func.count()).select_from(table)).scalar_one() for table in found
    )
    if version is None or used:
        where = f"The database {place}" if not isinstance(place, str) else "The database"
        raise Conflict(
            f"{where} is not empty.",
            remedy="Restore into an installation that was never started: another data folder "
            "(--data-dir), or a new database.",
            code="not_empty",
        )
    schema.downgrade(connection, "base")


def _put(connection: Connection, table: Table, part: Part) -> None:
    try:
        given: list[dict[str, Any]] = [json.loads(line) for line in part.lines.splitlines()]
        values = [
            {name: _value(table.columns[name], value) for name, value in row.items()}
            for row in given
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"A row of the table {table.name} can't be read.") from error
    if values:
        connection.execute(insert(table), values)


def _value(column: Column[Any], value: Any) -> Any:
    if value is None or isinstance(column.type, JSON):
        return value
    match column.type:
        case DateTime():
            at = datetime.fromisoformat(value).astimezone(UTC)
            return at if column.type.timezone else at.replace(tzinfo=None)
        case LargeBinary():
            return base64.b64decode(value)
        case _:
            # Stores of earlier versions may have NUL in it.
            return encoding.text(value) if isinstance(value, str) else value
