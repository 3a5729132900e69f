"""Room for sandboxes: how many may run, in all and of one person's sessions."""

from collections import Counter, defaultdict

from bunkhouse.settings import Settings
from bunkhouse.store.sessions import SessionRow


class Room:
    """The room there is at one moment, given out one by one."""

    def __init__(self, settings: Settings, taken: list[SessionRow]) -> None:
        self._limit = settings.max_sandboxes
        self._own_limit = settings.max_sandboxes_per_person
        self._running = len(taken)
        self._theirs = Counter(row.author_id for row in taken)
        self.crowded: defaultdict[str | None, set[str]] = defaultdict(set)
        """What waits for room: by the person whose own limit is reached, or None."""

    def take(self, row: SessionRow) -> None:
        """A sandbox of this session begins to run."""
        self._running += 1
        self._theirs[row.author_id] += 1

    def full(self, row: SessionRow) -> str | None:
        """Say why there is no room for this session, and note that it waits; None: there is."""
        theirs = self._theirs[row.author_id]
        if self._own_limit and theirs >= self._own_limit:
            self.crowded[row.author_id].add(row.id)
            return (
                f"{theirs} sandboxes of {row.author}'s sessions are running, and "
                f"{self._own_limit} is the limit for one person; waits for one."
            )
        if self._running >= self._limit:
            self.crowded[None].add(row.id)
            return (
                f"{self._running} sandboxes are running, and {self._limit} is the limit; "
                "waits for one."
            )
        return None
