"""Fills the tables of any revision with rows, by what the store itself says of them."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, insert, select, types

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

_MEANT: dict[str, Any] = {
    "role": "admin",
    "kind": "prompt",
    "run_type": "agent_message_chunk",
    "data": {"type": "notice", "code": "c", "message": "grüße\0"},
    "command": {"command": "stop", "turn_id": "p"},
    "attachments": [],
    "visibility": "joinable",
    "scopes": ["read"],
    "deactivated_at": None,
    "lease_until": 12.5,
}
"""What columns of these names hold, where it matters; others hold what their type allows."""

_STATES = {"sessions": "idle", "prompts": "queued"}


def tables_of(connection: Connection) -> MetaData:
    """The tables that are there, without alembic's own."""
    found = MetaData()
    found.reflect(connection, only=lambda name, _: name != "alembic_version")
    return found


def fill(connection: Connection) -> None:
    """Put two rows in each table: one with all that there is room for, one with what must be."""
    for table in tables_of(connection).sorted_tables:
        for number, whole in ((1, True), (2, False)):
            row = {
                column.name: _value(table, column, number)
                for column in table.columns
                if whole or not column.nullable
            }
            connection.execute(insert(table).values(row))


def _value(table: Table, column: Column[Any], number: int) -> Any:
    if column.foreign_keys:
        (key,) = column.foreign_keys
        return f"{key.column.table.name[0]}{number}"
    if column.name == "id":
        return f"{table.name[0]}{number}"
    if column.name in _MEANT:
        return _MEANT[column.name]
    if column.name == "state":
        return _STATES.get(table.name, "state")
    match column.type:
        case types.JSON():
            return {}
        case types.DateTime():
            return AT if _is_aware(column) else AT.replace(tzinfo=None)
        case types.Boolean():
            return False
        case types.Integer() | types.Numeric():
            return number
        case types.LargeBinary():
            return b"\0\xff"
        case _:
            return f"{column.name[:5]}{number}"


def _is_aware(column: Column[Any]) -> bool:
    return bool(getattr(column.type, "timezone", False))


def contents(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, by its key."""
    return {
        table.name: [
            {name: _plain(value) for name, value in row.items()}
            for row in connection.execute(
                select(table).order_by(*table.primary_key.columns)
            ).mappings()
        ]
        for table in tables_of(connection).sorted_tables
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value
