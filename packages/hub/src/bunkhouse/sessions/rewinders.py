"""Letting people take sessions back to an earlier prompt, and forward again."""

from bunkhouse.people.identity import Person
from bunkhouse.sessions import rewinding
from bunkhouse.sessions.journal import Journal
from bunkhouse.sessions.links import Links


class Rewinders:
    """What people do about what was said and done."""

    def __init__(self, journal: Journal, links: Links) -> None:
        self._journal = journal
        self._links = links

    async def rewind(self, session_id: str, seq: int | None, by: Person) -> None:
        """Have a session go back to just before the prompt at a place; None: forward again.

        One that sleeps wakes up for it. It is there when the log says `session_rewound`.

        Raises:
            NotFound, InvalidInput, Conflict, SandboxNotRunning: as `rewinding.request`.
        """
        async with self._journal.change(session_id) as change:
            rewinds = self._links.rewinds(session_id)
            await rewinding.request(change, seq, by, rewinds=rewinds)
