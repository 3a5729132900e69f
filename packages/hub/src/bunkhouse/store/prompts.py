"""Queries over prompts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import func, insert, select, update

from bunkhouse.store.connections import Transaction
from bunkhouse.store.tables import prompts

PromptState = Literal[
    "queued", "steering", "steered", "working", "done", "failed", "stopped", "paused", "withdrawn"
]
"""`steering`: on its way into the running turn. `steered`: part of it. Then as that turn ends."""
WAITING: tuple[PromptState, ...] = ("queued", "steering")
"""States of those that the agent has not read."""
PromptKind = Literal["prompt", "hand_back"]


@dataclass(slots=True)
class PromptRow:
    """A row of `prompts`."""

    id: str
    session_id: str
    position: int
    text: str
    author_id: str
    author: str
    model: str | None
    kind: PromptKind
    attachments: list[dict[str, Any]]
    """As `bunkhouse_protocol.events.Attachment` prints them."""
    state: PromptState
    created_at: datetime
    retry_of: str | None = None
    """The prompt that it repeats."""


async def add(tx: Transaction, *, session_id: str, first: bool = False, **columns: Any) -> None:
    """Put a prompt at the end of its session's queue, or (`first`) before all others."""
    place = prompts.c.position
    edge = func.coalesce(func.min(place) - 1 if first else func.max(place) + 1, 1)
    query = select(edge).where(prompts.c.session_id == session_id)
    position = (await tx.execute(query)).scalar_one()
    await tx.execute(
        insert(prompts).values(session_id=session_id, position=position, state="queued", **columns)
    )


async def get(tx: Transaction, session_id: str, prompt_id: str) -> PromptRow | None:
    """One prompt of a session."""
    query = select(prompts).where(prompts.c.session_id == session_id, prompts.c.id == prompt_id)
    found = (await tx.execute(query)).mappings().first()
    return None if found is None else PromptRow(**found)


async def authors(tx: Transaction, session_id: str) -> set[tuple[str, str]]:
    """Who said something in a session: their ids and names."""
    query = select(prompts.c.author_id, prompts.c.author).distinct()
    found = await tx.execute(query.where(prompts.c.session_id == session_id))
    return {(row.author_id, row.author) for row in found}


async def retries(tx: Transaction, session_id: str, prompt_id: str) -> list[PromptRow]:
    """The prompts that repeat this one, oldest first."""
    query = (
        select(prompts)
        .where(prompts.c.session_id == session_id, prompts.c.retry_of == prompt_id)
        .order_by(prompts.c.created_at)
    )
    return [PromptRow(**row) for row in (await tx.execute(query)).mappings()]


async def in_state(
    tx: Transaction, session_ids: list[str], *states: PromptState
) -> list[PromptRow]:
    """Prompts of these sessions that are in one of the states, in the order of their queues."""
    query = (
        select(prompts)
        .where(prompts.c.session_id.in_(session_ids), prompts.c.state.in_(states))
        .order_by(prompts.c.session_id, prompts.c.position)
    )
    return [PromptRow(**row) for row in (await tx.execute(query)).mappings()]


async def move(tx: Transaction, prompt_id: str, state: PromptState) -> None:
    """Change a prompt's state."""
    await tx.execute(update(prompts).where(prompts.c.id == prompt_id).values(state=state))


async def change(tx: Transaction, prompt_id: str, **columns: Any) -> None:
    """Set columns of one prompt."""
    await tx.execute(update(prompts).where(prompts.c.id == prompt_id).values(**columns))


async def arrange(tx: Transaction, rows: list[PromptRow]) -> None:
    """Give these prompts of one session the places that they have together, in this order."""
    places = sorted(row.position for row in rows)
    for row, place in zip(rows, places, strict=True):
        if row.position != place:
            await change(tx, row.id, position=place)
