"""Deleting sessions: by people, and those that have ended for long enough.

A session that is deleted is gone for everybody at once. Its sandbox and its snapshots follow, then
its blobs and its rows: the reconciler sees to that, and takes it up after a crash.
"""

from datetime import UTC, datetime, timedelta

import structlog

from bunkhouse.blobs import Blobs, Uploads
from bunkhouse.errors import NotFound
from bunkhouse.people.identity import Person
from bunkhouse.sessions import turns
from bunkhouse.sessions.journal import Change, Journal
from bunkhouse.settings import Settings
from bunkhouse.store import sessions

_audit = structlog.get_logger("bunkhouse.audit")
_log = structlog.get_logger("bunkhouse.retention")

AT_ONCE = 50
"""Sessions that one round deletes at most."""
_KNOWN_AT_ONCE = 500


async def delete(change: Change) -> None:
    """Have a session forgotten; where it has not ended, it is ended first."""
    if change.row.state != "ended":
        await turns.lose(change, code="deleted", message="The session was deleted.")
        change.move("ended", "person", "deleted")
    change.row.deleted_at = datetime.now(UTC)
    change.moved = True


def audit(session_id: str, by: Person | None, was: str) -> None:
    """Write down that a session was deleted. `by` None: the hub did, as retention is set."""
    person = "retention" if by is None else by.id
    _audit.info("session_deleted", session=session_id, by=person, was=was)


class Retention:
    """Deletes what was kept for as long as is set, and what belongs to nothing."""

    def __init__(
        self, journal: Journal, settings: Settings, *, blobs: Blobs, uploads: Uploads
    ) -> None:
        self._journal = journal
        self._settings = settings
        self._blobs = blobs
        self._uploads = uploads

    async def round(self) -> None:
        """Go through everything once; what is too much for one round is left to the next."""
        await self._expire()
        await self._uploads.sweep()
        if strays := await self._blobs.sweep(self._known):
            _log.info("stray_blobs_removed", sessions=strays)

    async def _expire(self) -> None:
        days = self._settings.retention_days
        if days == 0:
            return
        before = datetime.now(UTC) - timedelta(days=days)
        async with self._journal.database.read() as tx:
            due = await sessions.ended_before(tx, before, limit=AT_ONCE)
        for session_id in due:
            await self._expire_one(session_id, before)

    async def _expire_one(self, session_id: str, before: datetime) -> None:
        try:
            async with self._journal.change(session_id) as change:
                row = change.row
                # It may have been brought back meanwhile, and may even have ended again.
                if row.state != "ended" or (row.state_at or row.updated_at) >= before:
                    return
                await delete(change)
        except NotFound:
            return
        audit(session_id, None, "ended")

    async def _known(self, names: list[str]) -> set[str]:
        found: set[str] = set()
        for first in range(0, len(names), _KNOWN_AT_ONCE):
            async with self._journal.database.read() as tx:
                found |= await sessions.known(tx, names[first : first + _KNOWN_AT_ONCE])
        return found
