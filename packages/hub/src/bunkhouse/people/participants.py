"""Who takes part in a session, and who else may see it.

Changes are written to the audit log and not into the session's own: that one is the transcript,
which others are given as a file, and a client of before these events could not read them.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from bunkhouse.bus import Bus
from bunkhouse.errors import Conflict, NotFound
from bunkhouse.people.directory import nobody
from bunkhouse.people.identity import Person, SessionRole, Visibility
from bunkhouse.people.permissions import missing
from bunkhouse.store import Database, Transaction, participants, sessions
from bunkhouse.store import people as rows
from bunkhouse.store.sessions import SessionRow

_audit = structlog.get_logger("bunkhouse.audit")


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who takes part in a session."""

    id: str
    name: str
    role: SessionRole
    author: bool
    """They began it, and stay its owner."""
    since: datetime


class Participants:
    """The participants of all sessions."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus

    async def of(self, session_id: str) -> list[Participant]:
        """Give who takes part in a session: its author, then the others as they came.

        Raises:
            NotFound: there is no such session.
        """
        async with self._database.read() as tx:
            row = await sessions.get(tx, session_id)
            if row is None:
                raise missing(session_id)
            found = await participants.of(tx, session_id)
        author = Participant(row.author_id, row.author, "owner", True, row.created_at)
        others = [
            Participant(each.user_id, each.name, each.role, False, each.created_at)
            for each in found
        ]
        return [author, *others]

    async def put(
        self, session_id: str, user_id: str, role: SessionRole, by: Person
    ) -> Participant:
        """Let somebody take part, or give them another role.

        Raises:
            NotFound: there is no such session, or no such person who may sign in.
            Conflict: they began the session, whose owner they stay.
        """
        async with self._changing(session_id) as (tx, row):
            _not_the_author(row, user_id)
            user = await rows.active(tx, user_id)
            if user is None:
                raise nobody(user_id)
            await participants.put(
                tx, session_id, user_id, role, added_by=by.id, at=datetime.now(UTC)
            )
        _audit.info("participant_set", session=session_id, person=user_id, role=role, by=by.id)
        found = [each for each in await self.of(session_id) if each.id == user_id]
        if not found:
            raise nobody(user_id)
        return found[0]

    async def remove(self, session_id: str, user_id: str, by: Person) -> None:
        """Let somebody take part no longer. What everybody may, they still may.

        Raises:
            NotFound: there is no such session, or they don't take part.
            Conflict: they began the session, whose owner they stay.
        """
        async with self._changing(session_id) as (tx, row):
            _not_the_author(row, user_id)
            if not await participants.remove(tx, session_id, user_id):
                raise NotFound("This person does not take part in the session.")
        _audit.info("participant_removed", session=session_id, person=user_id, by=by.id)

    async def set_visibility(self, session_id: str, visibility: Visibility, by: Person) -> None:
        """Say who but its participants may see a session.

        Raises:
            NotFound: there is no such session.
        """
        async with self._changing(session_id) as (tx, row):
            was = row.visibility
            await participants.set_visibility(tx, session_id, visibility)
        _audit.info("visibility_set", session=session_id, visibility=visibility, was=was, by=by.id)

    @asynccontextmanager
    async def _changing(self, session_id: str) -> AsyncGenerator[tuple[Transaction, SessionRow]]:
        async with self._database.write() as tx:
            row = await sessions.get(tx, session_id, lock=True)
            if row is None:
                raise missing(session_id)
            yield tx, row
        self._bus.publish(session_id, "access")
        self._bus.publish(session_id)  # lists show the session to others now


def _not_the_author(row: SessionRow, user_id: str) -> None:
    if row.author_id == user_id:
        raise Conflict(
            "Whoever began a session stays its owner.",
            remedy="To have another as its owner, let them fork it.",
            code="author",
        )
