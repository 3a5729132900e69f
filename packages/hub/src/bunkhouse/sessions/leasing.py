"""Leases: whoever holds a session's is the only one who works on it outside the database."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from bunkhouse.sessions.identifiers import new_id
from bunkhouse.store import Database, sessions

_LEASE_SECONDS = 60.0


class Leases:
    """Those of one hub."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owner = new_id("hub")

    async def void_all(self) -> None:
        """Free every lease: for the only hub of an installation, when it starts."""
        async with self._database.write() as tx:
            await sessions.release_all(tx)

    @asynccontextmanager
    async def held(self, session_id: str) -> AsyncGenerator[bool]:
        """Hold a session's lease for the block; False: somebody else holds it."""
        if not await self._claim(session_id):
            yield False
            return
        keep = asyncio.create_task(self._renew(session_id))
        try:
            yield True
        finally:
            keep.cancel()
            async with self._database.write() as tx:
                await sessions.release(tx, session_id, owner=self._owner)

    async def _claim(self, session_id: str) -> bool:
        now = time.time()
        async with self._database.write() as tx:
            return await sessions.claim(
                tx, session_id, owner=self._owner, now=now, until=now + _LEASE_SECONDS
            )

    async def _renew(self, session_id: str) -> None:
        while True:
            await asyncio.sleep(_LEASE_SECONDS / 3)
            await self._claim(session_id)
