"""What the runner must not forget, in one SQLite file: events on their way, commands, small state.

Every event is here, numbered, before it is sent, and goes when the hub has acknowledged it. Every
command is here before the hub is told that it may forget it. So the runner may be killed at any
moment.

Calls are synchronous: a commit to the write-ahead log takes some tens of microseconds. With
`synchronous=NORMAL` it outlives a killed process; after a loss of power the last commits may be
missing, and `resume_at` takes care that numbers which the hub has seen are not given out again.
"""

import contextlib
import secrets
import sqlite3
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from bunkhouse_protocol.events import EVENT, Event
from bunkhouse_protocol.link import COMMAND, Command

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (n INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS commands (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    body TEXT  -- NULL: taken
);
CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

_COPIED = ("workspace.", "agent.", "terminals.", "checkpoint.", "setup.")
"""Of the state, what also holds for a copy of the sandbox: it is about the files."""

COMMANDS_KEPT = 10_000
"""Ids of commands that are remembered, so that one which comes again is known."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """An event on its way: its number, and the event as JSON."""

    n: int
    body: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A command that was received and not yet taken."""

    id: str
    command: Command


class Spool:
    """One runner's memory. Raises `sqlite3.Error` where the disk is full or the file is broken."""

    def __init__(self, path: Path, session: str | None = None) -> None:
        """`session`: whose it is. Another's is what a copy of its sandbox came with."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._db = sqlite3.connect(path, isolation_level=None)
        path.chmod(0o600)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA busy_timeout=2000")
        self._db.executescript(_SCHEMA)
        self._depth = 0
        self._last = self.acked = 0
        owner = self.get("spool.session")
        self.copied = session is not None and owner not in (None, session)
        """Whether it was another session's when it was opened."""
        if session is not None and owner != session:
            with self.together():
                if owner is not None:
                    self._begin_anew()
                self.set("spool.session", session)
        spool_id = self.get("spool.id")
        if spool_id is None:
            spool_id = secrets.token_hex(16)
            self.set("spool.id", spool_id)
        self.id = spool_id
        self.acked = int(self.get("spool.acked") or 0)
        highest: int = self._db.execute("SELECT coalesce(max(n), 0) FROM events").fetchone()[0]
        self._last = max(highest, self.acked)
        self._at_opening: int | None = self._last

    @property
    def last(self) -> int:
        """The highest number given out; 0 at first."""
        return self._last

    @contextlib.contextmanager
    def together(self) -> Generator[None]:
        """Make all that is written inside durable at once, or none of it."""
        if self._depth:
            yield
            return
        before = self._last, self.acked
        self._db.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._last, self.acked = before
            with contextlib.suppress(sqlite3.Error):  # a full disk has rolled back by itself
                self._db.execute("ROLLBACK")
            raise
        finally:
            self._depth -= 1

    def _begin_anew(self) -> None:
        """Forget what the other session has said, was told and had under way: it is there still."""
        self._db.execute("DELETE FROM events")
        self._db.execute("DELETE FROM commands")
        keys = [key for (key,) in self._db.execute("SELECT key FROM state")]
        for key in keys:
            if not key.startswith(_COPIED):
                self.set(key, None)
        self.set("changes", "")  # unlike anything: what is changed is to be told

    # ── events ───────────────────────────────────────────────────────────────────────────────

    def append(self, event: Event) -> int:
        """Write an event down and return its number."""
        with self.together():
            n = self._last + 1
            body = EVENT.dump_json(event, exclude={"seq", "first_seq"}).decode()
            self._db.execute("INSERT INTO events VALUES (?, ?)", (n, body))
            self._last = n
        return n

    def pending(self, after: int, limit: int = 256) -> list[Spooled]:
        """Return events numbered above `after`, in order, at most `limit` of them."""
        rows = self._db.execute(
            "SELECT n, body FROM events WHERE n > ? ORDER BY n LIMIT ?", (after, limit)
        )
        return [Spooled(n, body) for n, body in rows]

    def ack(self, n: int) -> None:
        """Drop events up to and including `n`: the hub has them. Lower than before is ignored."""
        n = min(n, self._last)
        if n <= self.acked:
            return
        with self.together():
            self._db.execute("DELETE FROM events WHERE n <= ?", (n,))
            self.set("spool.acked", str(n))
            self.acked = n

    def resume_at(self, acked: int) -> None:
        """Take the hub's word for what it has of this spool, at the start of a connection.

        Nothing leaves between opening the spool and the first connection. So where the hub has
        more than there was when we opened it, the file lost its last commits to a loss of power:
        what was written since then moves above the numbers that the hub has seen.
        """
        if self._at_opening is not None and acked > self._at_opening:
            with self.together():
                rows = self._db.execute(
                    "SELECT n FROM events WHERE n > ? ORDER BY n DESC", (self._at_opening,)
                ).fetchall()
                move = acked - self._at_opening
                for (n,) in rows:  # from the highest, so that no two meet
                    self._db.execute("UPDATE events SET n = ? WHERE n = ?", (n + move, n))
                self._last += move
        self._at_opening = None
        self.ack(acked)

    # ── commands ─────────────────────────────────────────────────────────────────────────────

    def receive(self, command_id: str, command: Command) -> bool:
        """Write a command down. False: it was here before, whether taken or not."""
        with self.together():
            cursor = self._db.execute(
                "INSERT INTO commands (id, body) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (command_id, COMMAND.dump_json(command).decode()),
            )
            new = cursor.rowcount == 1
            if new:
                self._db.execute(
                    "DELETE FROM commands WHERE body IS NULL AND place <= ?",
                    ((cursor.lastrowid or 0) - COMMANDS_KEPT,),
                )
        return new

    def waiting(self) -> list[Waiting]:
        """Return the commands that were received and not taken, in order."""
        rows = self._db.execute("SELECT id, body FROM commands WHERE body NOTNULL ORDER BY place")
        return [Waiting(command_id, COMMAND.validate_json(body)) for command_id, body in rows]

    def take(self, command_id: str) -> None:
        """Note that a command is being carried out: it will not be handed on again."""
        self._db.execute("UPDATE commands SET body = NULL WHERE id = ?", (command_id,))

    # ── state ────────────────────────────────────────────────────────────────────────────────

    def get(self, key: str) -> str | None:
        """Return what is stored under a key, or None."""
        row = self._db.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
        return None if row is None else row[0]

    def set(self, key: str, value: str | None) -> None:
        """Store a value; None forgets it."""
        if value is None:
            self._db.execute("DELETE FROM state WHERE key = ?", (key,))
        else:
            self._db.execute(
                "INSERT INTO state VALUES (?, ?)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, value),
            )

    def close(self) -> None:
        """Close the file."""
        self._db.close()


class Drawer:
    """A part of the spool's state with keys of its own: what an agent gets as its memory."""

    def __init__(self, spool: Spool, name: str) -> None:
        self._spool = spool
        self._name = name

    def get(self, key: str) -> str | None:
        """Return what was stored, or None."""
        return self._spool.get(f"{self._name}.{key}")

    def set(self, key: str, value: str | None) -> None:
        """Store a value; None forgets it."""
        self._spool.set(f"{self._name}.{key}", value)
