"""Connections to a store, whole whoever is cancelled.

A task may be cancelled at any moment: a page went away, the hub ends. In the middle of a statement
that would leave a driver that does not know whether it happened, a pool that counts a connection
nobody has, and, in SQLite, a lock that nobody lets go of. So a statement that has begun is waited
for, and who was cancelled meanwhile learns of it right after.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import QueuePool

from bunkhouse.errors import Unavailable

BUSY_SECONDS = 30
"""How long one waits for a connection."""

T = TypeVar("T")


async def whole(work: Coroutine[Any, Any, T]) -> T:
    """Await something to its end; a cancellation meanwhile takes effect then."""
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.exception()  # nobody hears of it any more
        raise cancelled
    return task.result()


class Transaction(AsyncConnection):
    """What queries take: a connection inside a transaction."""

    if not TYPE_CHECKING:  # what the base says of its types is more than can be said again

        async def execute(self, *what: Any, **options: Any) -> Any:
            """Run a statement; see the base."""
            return await whole(super().execute(*what, **options))

        async def run_sync(self, *what: Any, **options: Any) -> Any:
            """Run a function on the connection; see the base."""
            return await whole(super().run_sync(*what, **options))


class Connections:
    """Connections of one kind, to an engine with a pool.

    Who has to wait for one waits here, where they can be cancelled, and never at the pool.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._free = asyncio.Semaphore(cast("QueuePool", engine.sync_engine.pool).size())

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Transaction]:
        """A transaction that ends with the block, and of which nothing is kept.

        Raises:
            Unavailable: no connection came free.
        """
        await self._acquire()
        try:
            tx = Transaction(self._engine)
            try:
                await whole(_started(tx))
                yield tx
            finally:
                if tx.sync_connection is not None:
                    await whole(tx.close())
        finally:
            self._free.release()

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[Transaction]:
        """A transaction that is kept as a whole, or not at all where the block raises."""
        async with self.reading() as tx:
            await whole(_begun(tx))
            yield tx
            await whole(tx.commit())

    async def close(self) -> None:
        """Close all of them."""
        await self._engine.dispose()

    async def _acquire(self) -> None:
        try:
            async with asyncio.timeout(BUSY_SECONDS):
                await self._free.acquire()
        except TimeoutError as error:
            raise Unavailable(
                "The database is busy: no connection to it came free.",
                remedy="Try again in a moment.",
                code="store_busy",
            ) from error


async def _started(tx: Transaction) -> None:
    await tx.start()


async def _begun(tx: Transaction) -> None:
    await tx.begin().start()
