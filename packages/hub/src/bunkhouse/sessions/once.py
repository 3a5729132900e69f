"""A request that is repeated does nothing twice.

Whoever asks may choose a key. What was answered is written down under it in the transaction that
did what was asked, so there is never the one without the other, whatever is killed when. Who asks
again with the same key and the same words gets that answer; refusals are not kept, since they have
done nothing. After the IETF's draft "The Idempotency-Key HTTP Header Field".
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pydantic import TypeAdapter

from bunkhouse.errors import InvalidInput
from bunkhouse.people.identity import Person
from bunkhouse.store import Database, Transaction, answers

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Once:
    """A key, and what was asked with it."""

    person_id: str
    key: str
    request: str
    """A hash of what was asked, in hexadecimal."""
    seconds: float
    """How long the answer is kept."""

    @classmethod
    def of(cls, person: Person, key: str, asked: str, *, seconds: float) -> "Once":
        """`asked`: the whole of the request, in a form that is the same each time."""
        return cls(person.id, key, hashlib.sha256(asked.encode()).hexdigest(), seconds)


class Repeated(Exception):
    """Raised within a transaction, to end it: this was answered already."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer


async def check(tx: Transaction, once: Once | None) -> None:
    """Go on only with what was not asked before.

    Raises:
        Repeated: with the answer that was given.
        InvalidInput: the key stands for another request.
    """
    if once is None:
        return
    since = datetime.now(UTC) - timedelta(seconds=once.seconds)
    found = await answers.get(tx, once.person_id, once.key, since=since)
    if found is None:
        return
    if found.request != once.request:
        raise InvalidInput(
            "This Idempotency-Key was used before, for another request.",
            remedy="Choose a new key for each request, and the same for its repetitions alone.",
            code="idempotency_key_reused",
        )
    raise Repeated(found.answer)


async def look(database: Database, once: Once | None) -> None:
    """The same before anything is done, files copied above all; the transaction looks again."""
    if once is not None:
        async with database.read() as tx:
            await check(tx, once)


async def keep(tx: Transaction, once: Once | None, shape: TypeAdapter[T], answer: T) -> None:
    """Write down what is answered; it counts if the transaction does."""
    if once is None:
        return
    now = datetime.now(UTC)
    await answers.forget(tx, before=now - timedelta(seconds=once.seconds))
    await answers.add(
        tx,
        person_id=once.person_id,
        key=once.key,
        request=once.request,
        answer=shape.dump_python(answer, mode="json"),
        created_at=now,
    )


async def answered(doing: Callable[[], Awaitable[T]], shape: TypeAdapter[T]) -> T:
    """Do it, or give the answer of the first time."""
    while True:
        try:
            return await doing()
        except Repeated as repeated:
            return shape.validate_python(repeated.answer)
        except answers.Taken:
            continue  # the same was asked beside us, and was first
