"""What the broker's doors ask of sessions: who knocks, and where to write down what they saw."""

import asyncio

from bunkhouse.errors import NotFound
from bunkhouse.people.permissions import missing
from bunkhouse.sessions import committers
from bunkhouse.sessions.journal import Journal
from bunkhouse.sessions.views import DoorContext, SandboxIdentity
from bunkhouse.store import prompts, sandboxes, sessions
from bunkhouse.store.sandboxes import hash_token
from bunkhouse_protocol.events import EgressRefused, Event

_GATHER_SECONDS = 2.0
"""Refusals of one destination within this time become one event more, with their number."""

_Destination = tuple[str, str, int, str]


class Knocking:
    """Sessions as the doors see them."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._repeats: dict[_Destination, int] = {}
        self._gathering: set[asyncio.Task[None]] = set()

    async def sandbox_for_token(self, token: str) -> SandboxIdentity | None:
        """Whose token this is; None for one that is not, or no longer, valid."""
        async with self._journal.database.read() as tx:
            row = await sandboxes.by_token(tx, hash_token(token))
        return None if row is None else SandboxIdentity(row.id, row.session_id)

    async def context(self, session_id: str) -> DoorContext:
        """What the doors need to know of a session.

        Raises:
            NotFound: it is gone.
        """
        async with self._journal.database.read() as tx:
            row = await sessions.get(tx, session_id)
            running = await prompts.in_state(tx, [session_id], "working")
        if row is None:
            raise missing(session_id)
        return DoorContext(
            session_id=row.id,
            repository=row.repository,
            turn_id=running[0].id if running else None,
            author_id=row.author_id,
            work_branch=row.work_branch,
            base_commit=row.base_commit,
        )

    async def people(self, session_id: str) -> frozenset[tuple[str, str]]:
        """Names and addresses that commits of a session may have.

        Raises:
            NotFound: it is gone.
        """
        async with self._journal.database.read() as tx:
            row = await sessions.get(tx, session_id)
            if row is None:
                raise missing(session_id)
            found = await committers.of_session(tx, row)
        return frozenset((each.name, each.email) for each in found)

    async def note(self, session_id: str, event: Event) -> None:
        """Append what a door saw to the session's log; a session that is gone needs no note."""
        try:
            await self._journal.note(session_id, event)
        except NotFound:
            return

    async def note_refused(
        self, session_id: str, host: str, port: int, protocol: str, reason: str
    ) -> None:
        """Tell that the sandbox was refused a destination; repeats are gathered for a moment."""
        destination = (session_id, host, port, protocol)
        if destination in self._repeats:
            self._repeats[destination] += 1
            return
        self._repeats[destination] = 0
        await self._tell(destination, reason, 1)
        task = asyncio.create_task(self._gather(destination, reason))
        self._gathering.add(task)
        task.add_done_callback(self._gathering.discard)

    async def _gather(self, destination: _Destination, reason: str) -> None:
        await asyncio.sleep(_GATHER_SECONDS)
        count = self._repeats.pop(destination)
        if count:
            await self._tell(destination, reason, count)

    async def _tell(self, destination: _Destination, reason: str, count: int) -> None:
        session_id, host, port, protocol = destination
        event = EgressRefused.model_validate(
            {"host": host, "port": port, "protocol": protocol, "reason": reason, "count": count}
        )
        await self.note(session_id, event)
