"""Letting people drive: what `driving` says, from the request to the answer."""

import structlog

from bunkhouse.errors import BunkhouseError, NotFound
from bunkhouse.people.identity import Person
from bunkhouse.people.permissions import missing
from bunkhouse.sessions import driving, sandbox_gateway, turns
from bunkhouse.sessions.journal import Journal
from bunkhouse.sessions.reaching import Reaching
from bunkhouse.sessions.views import SessionView
from bunkhouse.store import prompts, sessions
from bunkhouse.store.sessions import Driver, SessionRow
from bunkhouse_protocol.events import DriveEnded
from bunkhouse_protocol.gateway import Handover, HandoverRequest

_log = structlog.get_logger("bunkhouse.driving")

_TRIES = 3
"""How often a hand-back looks again, where driving begins at that very moment."""


class Drivers:
    """Lets people drive."""

    def __init__(self, journal: Journal, reaching: Reaching) -> None:
        self._journal = journal
        self._reaching = reaching

    async def drive(self, session_id: str, person: Person) -> SessionView:
        """Have the agent rest at its next safe point. Nothing happens if this person drives.

        Raises:
            Conflict: somebody else drives.
            SandboxNotRunning: there is nothing to drive.
        """
        async with self._journal.change(session_id) as change:
            await driving.request(change, person)
        return await self._view(session_id)

    async def hand_back(self, session_id: str, note: str | None, person: Person) -> SessionView:
        """Tell the agent what was done, and let it go on.

        What a sandbox can't tell any more is left out: handing back works always.

        Raises:
            Conflict: nobody drives.
        """
        for _ in range(_TRIES):
            driver = driving.driver_of(await self._row(session_id))
            done = await self._ask(session_id, driver)
            async with self._journal.change(session_id) as change:
                if change.row.driver == driver:
                    await driving.hand_back(change, driver, done, note, person)
                    break
        return await self._view(session_id)

    async def give_up(self, session_id: str, person: Person) -> SessionView:
        """Drive no more, without a word to the agent. Prompts that wait are worked on.

        Raises:
            Conflict: nobody drives.
        """
        async with self._journal.change(session_id) as change:
            driving.driver_of(change.row)
            await driving.end(change, DriveEnded(by=person.name, files=[], commands=[]))
            await turns.begin_next(change)
        return await self._view(session_id)

    async def _ask(self, session_id: str, driver: Driver) -> Handover | None:
        """What was done; None where it can't be known."""
        if driver["snapshot"] is None:
            return Handover(files=[], diff="", commands=[])
        try:
            socket = await self._reaching.socket(session_id, "gateway")
            request = HandoverRequest(snapshot=driver["snapshot"])
            return await sandbox_gateway.handover(socket, request)
        except NotFound:
            await self._row(session_id)  # it is the snapshot that is missing, not the session
        except BunkhouseError as error:
            _log.warning("handover_unknown", session=session_id, reason=str(error))
        return None

    async def _row(self, session_id: str) -> SessionRow:
        async with self._journal.database.read() as tx:
            row = await sessions.get(tx, session_id)
        if row is None:
            raise missing(session_id)
        return row

    async def _view(self, session_id: str) -> SessionView:
        async with self._journal.database.read() as tx:
            row = await sessions.get(tx, session_id)
            queue = await prompts.in_state(tx, [session_id], *prompts.WAITING)
        if row is None:
            raise missing(session_id)
        return SessionView.of(row, queue)
