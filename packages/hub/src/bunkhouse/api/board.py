"""What every page's list shows, read once for all who look and printed once for each role.

Viewers need to know that a session changed, not how often: one that is slow finds one entry for
each session, however much happened meanwhile, and what it finds is shared with all the others who
have the same role in it. Who may not see a session hears nothing of it.
"""

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager, suppress

from fastapi.sse import format_sse_event
from pydantic import BaseModel

from bunkhouse.api import sse
from bunkhouse.api.routes.sessions import session_out
from bunkhouse.api.schemas import PresenceOut, PresentOut, SessionDeleted
from bunkhouse.api.services import Services
from bunkhouse.errors import NotFound
from bunkhouse.people import Person, SessionRole
from bunkhouse.people.permissions import role_in, roles_of, sees_all

CALM_SECONDS = 0.5
"""How long at least lies between two words on one session."""
_NEWEST = 100


class Watch:
    """What changed and one viewer has not taken yet."""

    def __init__(self, person: Person, wake: asyncio.Event) -> None:
        self.person = person
        self.shown: set[str] = set()
        """The sessions that they were told of."""
        self._wake = wake
        self._waiting: dict[str, bytes] = {}
        self.failure: Exception | None = None

    def put(self, key: str, printed: bytes) -> None:
        """Take the newest word on something; an older one that still waits is forgotten."""
        self._waiting.pop(key, None)
        self._waiting[key] = printed
        self._wake.set()

    def fail(self, error: Exception) -> None:
        """There will be no more."""
        self.failure = error
        self._wake.set()

    def take(self) -> bytes:
        """Give what waits, in order. Raises what ended the source."""
        if self.failure is not None:
            raise self.failure
        waiting, self._waiting = self._waiting, {}
        return b"".join(waiting.values())


class Board:
    """One for each hub. Listens while somebody watches."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub
        self._watches: set[Watch] = set()
        self._tasks: list[asyncio.Task[None]] = []

    @contextmanager
    def watch(self, person: Person, wake: asyncio.Event) -> Generator[Watch]:
        """Hear of every change that this person may, until the block ends.

        `wake` is set whenever there is one.
        """
        watch = Watch(person, wake)
        if not self._watches:
            hub = self._hub
            sources = (
                self._sessions(hub.sessions.follow_all()),
                self._system(),
                self._presence(hub.presence.follow()),
            )
            self._tasks = [asyncio.create_task(source) for source in sources]
            for task in self._tasks:
                task.add_done_callback(self._ended)
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)
            if not self._watches:
                for task in self._tasks:
                    task.cancel()

    async def beginning(self, watch: Watch) -> bytes:
        """What there is now for one viewer: system, the newest sessions, who is where."""
        hub, person = self._hub, watch.person
        views, _ = await hub.sessions.list(
            limit=_NEWEST, seen_by=None if sees_all(person) else person.id
        )
        occupied = hub.presence.sessions()
        standings = await hub.rights.standings({*(view.id for view in views), *occupied})
        roles = roles_of(person, standings)
        watch.shown.update(roles)
        return b"".join(
            [
                _event("system", await hub.system.status()),
                *(
                    _event("session", session_out(view, roles[view.id]))
                    for view in views
                    if view.id in roles
                ),
                *(self._who(session_id) for session_id in occupied if session_id in roles),
            ]
        )

    async def _sessions(self, ids: AsyncIterator[str]) -> None:
        """Tell of each change at once, and of one that follows closely when a moment is over.

        An agent that writes changes its session's line with every word, and each line goes to
        every page.
        """
        changed_again: dict[str, bool] = {}

        async def rest(session_id: str) -> None:
            await asyncio.sleep(CALM_SECONDS)
            while changed_again[session_id]:
                changed_again[session_id] = False
                await self._tell(session_id)
                await asyncio.sleep(CALM_SECONDS)
            del changed_again[session_id]

        try:
            async with asyncio.TaskGroup() as resting:
                async for session_id in ids:
                    if session_id in changed_again:
                        changed_again[session_id] = True
                        continue
                    changed_again[session_id] = False
                    await self._tell(session_id)
                    resting.create_task(rest(session_id))
        finally:
            await sse.close(ids)

    async def _tell(self, session_id: str) -> None:
        view = None
        with suppress(NotFound):
            view = await self._hub.sessions.get(session_id)
        # Asked last: who was let go meanwhile is not told. Of one that is deleted hear those who
        # could see it, since their page may have it from elsewhere.
        standing = await self._hub.rights.standing(session_id, deleted=view is None)
        printed: dict[SessionRole, bytes] = {}
        gone = _event("session_deleted", SessionDeleted(id=session_id))
        for watch in self._watches:
            role = None if standing is None else role_in(watch.person, standing)
            if view is not None and role is not None:
                if role not in printed:
                    printed[role] = _event("session", session_out(view, role))
                watch.shown.add(session_id)
                watch.put(f"session {session_id}", printed[role])
            elif role is not None or session_id in watch.shown:
                watch.shown.discard(session_id)
                watch.put(f"session {session_id}", gone)

    async def _system(self) -> None:
        statuses = self._hub.system.follow()
        try:
            async for status in statuses:
                printed = _event("system", status)
                for watch in self._watches:
                    watch.put("system", printed)
        finally:
            await sse.close(statuses)

    async def _presence(self, ids: AsyncIterator[str]) -> None:
        try:
            async for session_id in ids:
                standing = await self._hub.rights.standing(session_id)
                printed = self._who(session_id)
                for watch in self._watches:
                    if standing is not None and role_in(watch.person, standing):
                        watch.put(f"presence {session_id}", printed)
        finally:
            await sse.close(ids)

    def _who(self, session_id: str) -> bytes:
        people = [
            PresentOut(id=present.id, name=present.name, typing=present.typing)
            for present in self._hub.presence.of(session_id)
        ]
        return _event("presence", PresenceOut(session_id=session_id, people=people))

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A source that broke ends all streams: their readers come again, and it begins anew."""
        with suppress(asyncio.CancelledError):
            error = task.exception()
            if error is not None and task in self._tasks:
                failure = error if isinstance(error, Exception) else RuntimeError(str(error))
                for watch in self._watches:
                    watch.fail(failure)
                self._watches = set()
                for other in self._tasks:
                    other.cancel()


def _event(name: str, data: BaseModel) -> bytes:
    return format_sse_event(event=name, data_str=data.model_dump_json())
