"""Queries for what stands at a place of a log: the newest of a kind, and what is still open.

They go by `ix_events_standing`, which leaves out what a log is mostly made of: texts and tools.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import func, select

from bunkhouse.store.connections import Transaction
from bunkhouse.store.log import Entry
from bunkhouse.store.tables import STANDING, events


class Place(NamedTuple):
    """Where an event stands, and one of its fields."""

    seq: int
    type: str
    value: str | None


class Spent(NamedTuple):
    """What the turns that ended took; `cost` in US dollars, None where none is known."""

    turns: int
    input_tokens: int
    output_tokens: int
    cost: float | None


async def newest(
    tx: Transaction,
    session_id: str,
    types: Collection[str],
    *,
    before: int,
    having: tuple[str, Collection[str]] | None = None,
) -> Entry | None:
    """The last event of these types before a place; `having`: a field, and what it may be."""
    query = select(events).where(*_standing(session_id, types, 0, before))
    if having is not None:
        name, values = having
        query = query.where(events.c.data[name].as_string().in_(values))
    row = (await tx.execute(query.order_by(events.c.seq.desc()).limit(1))).first()
    return None if row is None else Entry(row.seq, row.first_seq, row.type, row.at, row.data)


async def last(
    tx: Transaction,
    session_id: str,
    types: Collection[str],
    *,
    after: int,
    before: int,
    limit: int,
) -> list[Entry]:
    """The last events of these types between two places, in order."""
    query = (
        select(events)
        .where(*_standing(session_id, types, after, before))
        .order_by(events.c.seq.desc())
        .limit(limit)
    )
    return [
        Entry(row.seq, row.first_seq, row.type, row.at, row.data)
        for row in reversed((await tx.execute(query)).all())
    ]


async def places(
    tx: Transaction,
    session_id: str,
    types: Collection[str],
    names: Collection[str],
    *,
    after: int,
    before: int,
) -> list[Place]:
    """Where the events of these types stand, each with the first of these fields that it has."""
    value = func.coalesce(*(events.c.data[name].as_string() for name in names), None)
    query = (
        select(events.c.seq, events.c.type, value.label("value"))
        .where(*_standing(session_id, types, after, before))
        .order_by(events.c.seq)
    )
    return [Place(row.seq, row.type, row.value) for row in await tx.execute(query)]


async def at(tx: Transaction, session_id: str, seqs: Collection[int]) -> list[Entry]:
    """The events at these places, in order."""
    query = (
        select(events)
        .where(events.c.session_id == session_id, events.c.seq.in_(seqs))
        .order_by(events.c.seq)
    )
    return [
        Entry(row.seq, row.first_seq, row.type, row.at, row.data) for row in await tx.execute(query)
    ]


async def spent(tx: Transaction, session_id: str, *, before: int) -> Spent:
    """What all turns took that ended before a place."""
    data = events.c.data
    query = select(
        func.count(),
        func.coalesce(func.sum(data["input_tokens"].as_integer()), 0),
        func.coalesce(func.sum(data["output_tokens"].as_integer()), 0),
        func.sum(data["cost"].as_float()),
    ).where(*_standing(session_id, ["turn_ended"], 0, before))
    return Spent(*(await tx.execute(query)).one())


def _standing(session_id: str, types: Collection[str], after: int, before: int) -> list[Any]:
    return [
        events.c.session_id == session_id,
        STANDING,
        events.c.type.in_(types),
        events.c.seq > after,
        events.c.seq < before,
    ]
