"""Letting people put sessions to sleep, wake them up and end them."""

from bunkhouse.people.identity import Person
from bunkhouse.sessions import sleeping
from bunkhouse.sessions.journal import Journal


class Sleepers:
    """What people do about sessions that they do not use for now.

    Every method raises `NotFound` where there is no such session.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def hibernate(self, session_id: str, by: Person) -> None:
        """Stop its sandbox, which keeps its files. Asleep already: nothing happens.

        Raises:
            Conflict: something runs, somebody drives, or it has no sandbox.
        """
        async with self._journal.change(session_id) as change:
            await sleeping.hibernate(change, "person", f"{by.name} put it to sleep")

    async def wake(self, session_id: str, by: Person) -> None:
        """Start its sandbox again, or bring it back after it has ended. Awake: nothing happens.

        Raises:
            SnapshotMissing: it has ended, and nothing of it is kept any more.
        """
        async with self._journal.change(session_id) as change:
            await sleeping.rouse(change)

    async def end(self, session_id: str, by: Person) -> None:
        """Take its sandbox away and keep its files for a while. Ended: nothing happens."""
        async with self._journal.change(session_id) as change:
            await sleeping.end(change, by)

    async def hibernate_after(self, session_id: str, seconds: int | None) -> None:
        """Set when it goes to sleep by itself: None as the installation does, 0 never."""
        async with self._journal.change(session_id) as change:
            change.row.hibernate_after = seconds
