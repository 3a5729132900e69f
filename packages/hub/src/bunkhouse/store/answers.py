"""Queries over answers that were given: what a person's idempotency key stands for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from bunkhouse.store.connections import Transaction
from bunkhouse.store.tables import answers


@dataclass(slots=True)
class AnswerRow:
    """A row of `answers`."""

    request: str
    """Hash of what was asked, in hexadecimal."""
    answer: Any


class Taken(Exception):
    """Somebody wrote down an answer under this key a moment ago. The transaction is void."""


async def get(tx: Transaction, person_id: str, key: str, *, since: datetime) -> AnswerRow | None:
    """What was answered under a key, if that was after `since`."""
    query = select(answers.c.request, answers.c.answer).where(
        answers.c.person_id == person_id, answers.c.key == key, answers.c.created_at >= since
    )
    found = (await tx.execute(query)).mappings().first()
    return None if found is None else AnswerRow(**found)


async def forget(tx: Transaction, *, before: datetime) -> None:
    """Drop what is too old to be asked for again."""
    await tx.execute(delete(answers).where(answers.c.created_at < before))


async def add(tx: Transaction, **columns: Any) -> None:
    """Write an answer down.

    Raises:
        Taken: there is one, of a transaction that ran beside ours.
    """
    try:
        await tx.execute(insert(answers).values(**columns))
    except IntegrityError as error:
        raise Taken from error
