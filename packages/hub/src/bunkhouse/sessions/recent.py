"""What a person worked on last."""

from bunkhouse.store import Database, sessions


class Recent:
    """What the sessions that a person started say of what they work on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def repositories(self, person_id: str, *, limit: int) -> list[str]:
        """Repositories of their sessions, as these show them, the one used last first."""
        async with self._database.read() as tx:
            return await sessions.repositories(tx, person_id, limit=limit)
