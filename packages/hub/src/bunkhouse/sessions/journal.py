"""Changes of sessions, and their logs.

Whatever changes a session goes through `Journal.change`: one transaction in which its row, its
prompts, its outbox and its log change together, after which the bus tells who waits. So the log
never says what the row does not, nor the other way round.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from bunkhouse.bus import Bus
from bunkhouse.errors import NotFound
from bunkhouse.people.permissions import missing
from bunkhouse.sessions import lifecycle
from bunkhouse.sessions.identifiers import new_id
from bunkhouse.sessions.opening import Opening, opening_at
from bunkhouse.store import Database, Transaction, log, outbox, sessions
from bunkhouse.store.sessions import SessionRow
from bunkhouse_protocol.events import EVENT, FRAMES, Event, SessionState, StateChanged
from bunkhouse_protocol.link import Command

_BATCH = 500
"""Entries that a follower reads at once."""


class Change:
    """One session inside one transaction. What is set on `row` is stored when the block ends."""

    def __init__(
        self, tx: Transaction, row: SessionRow, hold: Callable[[], str | None] = lambda: None
    ) -> None:
        """`hold`: see `Journal`."""
        self.tx = tx
        self.row = row
        self.hold = hold
        self.commanded = False
        self.moved = False
        self.beside: list[str] = []
        """Other sessions that the same transaction changes."""
        self.last_seq = row.last_seq
        self._before = replace(row)
        self._entries: list[log.Entry] = []

    def record(self, event: Event) -> None:
        """Put an event at the end of the log."""
        self.last_seq += 1
        data = event.model_dump(mode="json", exclude={"seq", "first_seq", "at"})
        self._entries.append(log.Entry(self.last_seq, self.last_seq, event.type, event.at, data))

    async def copy_log(self, source: str, to: int) -> None:
        """Begin the log with another session's, up to place `to`. Nothing was recorded yet."""
        await log.copy(self.tx, source, self.row.id, to=to)
        self.last_seq = to

    def move(self, state: SessionState, by: lifecycle.Actor, reason: str | None = None) -> None:
        """Change the session's state, and say so in the log.

        Raises:
            Conflict: the life cycle has no such move.
        """
        lifecycle.check(self.row.state, state, by)
        self.record(StateChanged(previous=self.row.state, state=state, reason=reason))
        if state != self.row.state:
            self.row.state_at = datetime.now(UTC)
        self.row.state, self.row.state_reason = state, reason
        self.moved = True

    async def command(self, command: Command) -> None:
        """Give the runner something to do; it gets it once, now or when it next connects."""
        self.commanded = True
        await outbox.add(self.tx, self.row.id, new_id("c"), command.model_dump(mode="json"))

    async def store(self) -> None:
        """Write down what the block did so far; called by the journal at its end."""
        if self._entries:
            await log.append(self.tx, self.row.id, self._entries)
            await self._fold()
            self.row.last_seq = self.last_seq
            self.row.updated_at = datetime.now(UTC)
        changed = {
            name: value
            for name in (field.name for field in fields(SessionRow))
            if (value := getattr(self.row, name)) != getattr(self._before, name)
        }
        if changed:
            await sessions.change(self.tx, self.row.id, **changed)
        self._entries, self._before = [], replace(self.row)

    async def _fold(self) -> None:
        """Fold each run of frames that something else has followed."""
        row = self.row
        for entry in self._entries:
            key_field = FRAMES.get(entry.type)
            key = None if key_field is None else entry.data[key_field]
            if row.run_seq is not None and (row.run_type, row.run_key) != (entry.type, key):
                await log.fold(self.tx, row.id, row.run_seq, entry.seq - 1)
                row.run_type = row.run_key = row.run_seq = None
            if key is not None and row.run_seq is None:
                row.run_type, row.run_key, row.run_seq = entry.type, key, entry.seq


class Journal:
    """Changes and reads the sessions of one store."""

    def __init__(
        self, database: Database, bus: Bus, *, hold: Callable[[], str | None] = lambda: None
    ) -> None:
        """`hold` says why no new work is to begin now, if so."""
        self.database = database
        self.bus = bus
        self.hold = hold

    @asynccontextmanager
    async def begin(self, session_id: str, columns: dict[str, Any]) -> AsyncGenerator[Change]:
        """A transaction that makes a session and writes the beginning of its log."""
        async with self.database.write() as tx:
            await sessions.add(tx, id=session_id, **columns)
            async with self._changing(tx, session_id) as change:
                yield change
        self.bus.publish(session_id, "state")
        self._tell(session_id, change)

    @asynccontextmanager
    async def change(self, session_id: str) -> AsyncGenerator[Change]:
        """A transaction on one session.

        Raises:
            NotFound: there is no such session.
        """
        async with self.database.write() as tx, self._changing(tx, session_id) as change:
            yield change
        if change.commanded:
            self.bus.publish(session_id, "outbox")
        if change.moved:
            self.bus.publish(session_id, "state")
        self._tell(session_id, change)

    @asynccontextmanager
    async def beside(self, change: Change, session_id: str) -> AsyncGenerator[Change]:
        """Put something at the end of another session's log, in a transaction that has begun.

        Raises:
            NotFound: there is no such session.
        """
        async with self._changing(change.tx, session_id) as other:
            yield other
        change.beside.append(session_id)

    def _tell(self, session_id: str, change: Change) -> None:
        for each in (session_id, *change.beside):
            self.bus.publish(each)

    @asynccontextmanager
    async def _changing(self, tx: Transaction, session_id: str) -> AsyncGenerator[Change]:
        row = await sessions.get(tx, session_id, lock=True)
        if row is None:
            raise missing(session_id)
        change = Change(tx, row, self.hold)
        yield change
        await change.store()

    async def note(self, session_id: str, *events: Event) -> None:
        """Append events that change nothing else."""
        async with self.change(session_id) as change:
            for event in events:
                change.record(event)

    async def read(
        self, session_id: str, *, after: int = 0, limit: int = _BATCH, folded: bool = False
    ) -> list[Event]:
        """What follows place `after` in the log, at most `limit` events.

        Raises:
            NotFound: there is no such session.
        """
        async with self.database.read() as tx:
            if await sessions.get(tx, session_id) is None:
                raise missing(session_id)
            entries = await log.read(tx, session_id, after=after, limit=limit, folded=folded)
        return [_event(entry.wire()) for entry in entries]

    async def read_before(
        self, session_id: str, *, before: int, limit: int, folded: bool = False
    ) -> tuple[list[Event], Opening | None]:
        """What stands before place `before`, at most `limit` events, and their opening.

        There is none where they begin with the first event of all.

        Raises:
            NotFound: there is no such session.
        """
        async with self.database.read() as tx:
            if await sessions.get(tx, session_id) is None:
                raise missing(session_id)
            entries = await log.read_before(
                tx, session_id, before=before, limit=limit, folded=folded
            )
            first = entries[0].first_seq if entries else 1
            opening = await opening_at(tx, session_id, first) if first > 1 else None
        return [_event(entry.wire()) for entry in entries], opening

    async def follow(
        self, session_id: str, *, after: int = 0, folded: bool = False
    ) -> AsyncIterator[list[Event]]:
        """The log from place `after`, then live, in batches; ends when the session is deleted."""
        with self.bus.subscribe(session_id) as subscription:
            while True:
                try:
                    batch = await self.read(session_id, after=after, folded=folded)
                except NotFound:
                    return
                if batch:
                    after = batch[-1].seq
                    yield batch
                else:
                    await subscription.wait()


def _event(wire: dict[str, Any]) -> Event:
    return EVENT.validate_python(wire)
