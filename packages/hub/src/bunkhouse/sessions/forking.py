"""Sessions that begin as a copy of another: of its chat at once, of its files soon.

    fork    one transaction: the new session, the beginning of its log, the name of a snapshot
    copy    the reconciler, under a lease on the new session: the snapshot is made
    start   as ever, of that snapshot; the runner finds that its files were another session's
    rewind  where the copy is of an earlier moment, the runner goes back to that

The original is neither stopped nor changed: it stands still while its files are copied.
"""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import TypeAdapter

from bunkhouse.blobs import Blobs
from bunkhouse.errors import BunkhouseError, Conflict, EngineDown, NotFound, Unavailable
from bunkhouse.people.identity import Person
from bunkhouse.people.permissions import missing
from bunkhouse.sandboxes.provider import SandboxProvider
from bunkhouse.sessions import branching, history, limits, once, prompting, rewinding
from bunkhouse.sessions.history import History
from bunkhouse.sessions.identifiers import new_id
from bunkhouse.sessions.journal import Change, Journal
from bunkhouse.sessions.lifecycle import TURN_STATES
from bunkhouse.sessions.once import Once
from bunkhouse.sessions.views import SessionView
from bunkhouse.settings import Settings
from bunkhouse.store import Transaction, sessions, snapshots, standing
from bunkhouse.store.sessions import ForkedFrom, SessionRow
from bunkhouse_protocol.events import (
    DriveEnded,
    Problem,
    PromptWithdrawn,
    SessionForked,
    Stage,
    StateChanged,
)

_SESSION = TypeAdapter(SessionView)
_COPY_SECONDS = 1800.0
_FORK = "Fork of "
_COPIED = (
    "repository",
    "repository_door",
    "branch",
    "base_commit",
    "model",
    "permissions",
    "hibernate_after",
    "visibility",
    "set_up",
    "model_chosen",
)
"""Of the original's row, what the copy has too."""


class Forking:
    """Makes sessions of others."""

    def __init__(
        self, journal: Journal, provider: SandboxProvider, blobs: Blobs, settings: Settings
    ) -> None:
        self._journal = journal
        self._provider = provider
        self._blobs = blobs
        self._settings = settings

    async def fork(
        self, session_id: str, seq: int | None, by: Person, *, key: Once | None = None
    ) -> SessionView:
        """Make a session as this one was just before the prompt at a place; None: as it is.

        It begins in `queued`. With a `key` it is made once.

        Raises:
            NotFound: there is no such session, or no such place.
            InvalidInput: no prompt stands there.
            Conflict: it is none whose turn counts; the agent is at work on what would be copied;
                nothing of the session's files is kept.
            TooMany: this person, or all together, have as many as may be.
        """
        return await once.answered(lambda: self._fork(session_id, seq, by, key), _SESSION)

    async def _fork(
        self, session_id: str, seq: int | None, by: Person, key: Once | None
    ) -> SessionView:
        async with self._journal.database.read() as tx:
            await once.check(tx, key)
            original = await _original(tx, session_id)
        target = new_id()
        now = datetime.now(UTC)
        columns: dict[str, Any] = {
            **{name: getattr(original, name) for name in _COPIED},
            "title": _title(original.title),
            "work_branch": self._branch(original, target),
            "state": "queued",
            "author_id": by.id,
            "author": by.name,
            "created_at": now,
            "updated_at": now,
            "state_at": now,
            "pending": {},
        }
        await self._blobs.copy(session_id, target)
        try:
            async with self._journal.begin(target, columns) as change:
                await once.check(change.tx, key)
                await limits.check(change.tx, by, self._settings)
                original = await _original(change.tx, session_id, lock=True)
                await self._begin(change, original, seq, by)
                await change.store()
                view = SessionView.of(change.row, await prompting.waiting(change))
                await once.keep(change.tx, key, _SESSION, view)
        except BaseException:
            await self._blobs.remove(target)
            raise
        return view

    def _branch(self, original: SessionRow, target: str) -> str | None:
        """One of its own: nobody pushes to another session's."""
        if original.work_branch is None:
            return None
        return branching.branch(self._settings.branch_template, original.title, target)

    async def _begin(
        self, change: Change, original: SessionRow, seq: int | None, by: Person
    ) -> None:
        """Write the beginning of the log, and where the files are to come from."""
        past = await history.read(change.tx, original.id)
        prompt_id = None if seq is None else past.prompt_at(seq, original.last_seq)
        last = original.last_seq
        row = change.row
        if prompt_id is not None:
            undone = past.undone_with(prompt_id)
            last = past.first_undone(prompt_id) - 1
            row.rewind = rewinding.wanted(prompt_id, undone, by.name, fork="exact")
        elif original.state in TURN_STATES:
            raise Conflict(
                "The agent is at work.",
                remedy="Stop it first, or fork from the prompt that it is at work on.",
                code="busy",
            )
        await change.copy_log(original.id, last)
        if last == original.last_seq:  # its last run of frames may not be folded yet
            row.run_type, row.run_key = original.run_type, original.run_key
            row.run_seq = original.run_seq
        await _close(change, past, last, by)
        row.additions, row.deletions = original.additions, original.deletions
        row.changed_files = original.changed_files
        await self._files(change, original, prompt_id, seq, last)
        change.record(
            SessionForked(
                session_id=original.id, title=original.title, prompt_id=prompt_id, by=by.name
            )
        )
        reason = "its files are copied" if original.sandbox_id is not None else None
        stood = await standing.newest(change.tx, row.id, ["state_changed"], before=last + 1)
        previous = "queued" if stood is None else stood.data["state"]
        change.record(StateChanged(previous=previous, state="queued", reason=reason))
        row.state_reason = reason
        if original.sandbox_id is not None:
            change.record(Stage(name="copy", status="started"))

    async def _files(
        self,
        change: Change,
        original: SessionRow,
        prompt_id: str | None,
        seq: int | None,
        last: int,
    ) -> None:
        row = change.row
        copying = None
        if original.sandbox_id is not None:
            copying = new_id("k")
            await snapshots.add(
                change.tx,
                snapshot_id=copying,
                session_id=row.id,
                sandbox_id=original.sandbox_id,
                at=datetime.now(UTC),
            )
        elif original.snapshot_id is not None:
            row.snapshot_id = original.snapshot_id
        else:
            raise Conflict(
                "This session has no files to copy: it has no sandbox, and nothing of one is kept.",
                remedy="Start a new session.",
                code="nothing_to_fork",
            )
        row.forked_from = ForkedFrom(
            session_id=original.id,
            title=original.title,
            prompt_id=prompt_id,
            seq=seq,
            last_seq=last,
            sandbox_id=original.sandbox_id,
            copying=copying,
        )

    # ── what takes time ──────────────────────────────────────────────────────────────────────

    async def copy(self, session_id: str) -> None:
        """Copy the files for a session that waits for them; safe to repeat."""
        began = time.monotonic()
        async with self._journal.database.read() as tx:
            row = await sessions.get(tx, session_id)
        forked = None if row is None else waits_for_files(row)
        if forked is None:
            return
        try:
            snapshot_id, size = await self._snapshot(forked)
        except EngineDown:
            return  # the next look at everything tries again
        except BunkhouseError as error:
            await self._not_copied(session_id, error, began)
            return
        with suppress(NotFound):
            async with self._journal.change(session_id) as change:
                if (forked := waits_for_files(change.row)) is not None:
                    await _copied(change, forked, snapshot_id, size, began)

    async def _snapshot(self, forked: ForkedFrom) -> tuple[str, int | None]:
        """Returns its id, and its size where it is a new one."""
        sandbox_id, snapshot_id = forked["sandbox_id"] or "", forked["copying"] or ""
        try:
            async with asyncio.timeout(_COPY_SECONDS):
                await self._provider.snapshot(sandbox_id, snapshot_id)
        except TimeoutError as error:
            raise Unavailable("The engine did not copy the files in time.") from error
        except NotFound:
            # It may have been put away since then.
            async with self._journal.database.read() as tx:
                original = await sessions.get(tx, forked["session_id"])
            if original is None or original.snapshot_id is None:
                raise
            return original.snapshot_id, None
        found = {one.snapshot_id: one.size for one in await self._provider.snapshots()}
        if snapshot_id not in found:
            raise Unavailable("The engine says that it copied the files, and has not.")
        async with self._journal.database.read() as tx:
            below = await snapshots.below(tx, sandbox_id)
        return snapshot_id, below + found[snapshot_id]

    async def _not_copied(self, session_id: str, error: BunkhouseError, began: float) -> None:
        with suppress(NotFound):
            async with self._journal.change(session_id) as change:
                if not waits_for_files(change.row):
                    return
                message = f"The files could not be copied. {error.message}"
                change.record(_told(began, "failed"))
                change.record(Problem(code="not_copied", message=message, remedy=error.remedy))
                change.row.activity = message
                # Through `starting`, whose table knows of what could not be set up.
                change.move("starting", "hub")
                change.move("failed", "hub", message)


def waits_for_files(row: SessionRow) -> ForkedFrom | None:
    """Whose files a session waits for, without which it can't start; None: it has them."""
    forked = row.forked_from
    if row.state != "queued" or forked is None or forked["copying"] is None:
        return None
    return forked


async def _copied(
    change: Change, forked: ForkedFrom, snapshot_id: str, size: int | None, began: float
) -> None:
    row = change.row
    if size is None:
        await snapshots.drop_unmade(change.tx, row.id)
    elif not await snapshots.made(change.tx, snapshot_id, size):
        return
    row.snapshot_id = snapshot_id
    row.forked_from = {**forked, "copying": None}
    if row.rewind is None:
        # What the original went on with before its files were copied is not for us.
        past = await history.read(change.tx, forked["session_id"])
        newer = [
            turn for turn in (*past.live, *past.ahead) if past.started[turn] > forked["last_seq"]
        ]
        if newer:
            row.rewind = rewinding.wanted(None, newer, "", fork="newest")
    change.record(_told(began, "done"))
    change.moved = True


def _title(title: str) -> str:
    """Lists show both: which of them is the copy is to be seen."""
    return title if title.startswith(_FORK) else f"{_FORK}{title}"


async def _original(tx: Transaction, session_id: str, *, lock: bool = False) -> SessionRow:
    row = await sessions.get(tx, session_id, lock=lock)
    if row is None:
        raise missing(session_id)
    return row


async def _close(change: Change, past: History, last: int, by: Person) -> None:
    """End, in the copied log, what does not go on here: who drove, and what waited."""
    before = last + 1
    drive = await standing.newest(
        change.tx,
        change.row.id,
        ["drive_requested", "drive_started", "drive_ended"],
        before=before,
    )
    if drive is not None and drive.type != "drive_ended":
        change.record(DriveEnded(by=by.name, files=[], commands=[]))
    for prompt_id in past.waiting_at(last):
        change.record(PromptWithdrawn(prompt_id=prompt_id))


def _told(began: float, status: Literal["done", "failed"]) -> Stage:
    return Stage(name="copy", status=status, ms=round((time.monotonic() - began) * 1000))
