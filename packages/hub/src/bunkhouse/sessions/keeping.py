"""Stopping sandboxes, putting them away, and forgetting what was kept long enough.

All of it is asked for by the reconciler, under a lease on the session, and may be cut off at any
point: what is found half done is done again, which changes nothing where it was done.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Literal

import structlog

from bunkhouse.errors import BunkhouseError, Conflict, EngineDown, NotFound, Unavailable
from bunkhouse.sandboxes.provider import SandboxProvider
from bunkhouse.sessions import surroundings, turns
from bunkhouse.sessions.identifiers import new_id
from bunkhouse.sessions.journal import Change, Journal
from bunkhouse.sessions.starting import Starter
from bunkhouse.settings import Settings
from bunkhouse.store import sessions, snapshots
from bunkhouse.store.sessions import SessionRow
from bunkhouse_protocol.events import Notice, Problem, Stage, StageName

_log = structlog.get_logger("bunkhouse.keeping")

_BEFORE_SECONDS = 5.0
"""For what is asked of a sandbox before it is stopped."""
_STOP_SECONDS = 90.0
"""Beyond the grace: after it, a stop that did not return has failed."""
_ENGINE_SECONDS = 120.0
"""How long a session waits for an engine that is down, before it is said not to sleep."""
_SNAPSHOT_SECONDS = 1800.0
AGAIN_SECONDS = 30.0
"""After files could not be kept, it is tried again."""


async def _nothing(_session_id: str) -> None:
    return


class Keeper:
    """Puts sandboxes to sleep and away."""

    def __init__(
        self,
        journal: Journal,
        provider: SandboxProvider,
        starter: Starter,
        settings: Settings,
        *,
        before: Callable[[str], Awaitable[None]] = _nothing,
    ) -> None:
        """`before`: called with the session's id before its sandbox is stopped."""
        self._journal = journal
        self._provider = provider
        self._starter = starter
        self._settings = settings
        self._before = before
        self._again: dict[str, float] = {}

    # ── to sleep ─────────────────────────────────────────────────────────────────────────────

    async def hibernate(self, session_id: str) -> None:
        """Bring a session that is `hibernating` to `hibernated`, or back to `idle`."""
        began = time.monotonic()
        row = await self._row(session_id)
        if row is None or row.state != "hibernating":
            return
        try:
            size = await self._put_to_sleep(row)
        except EngineDown as error:
            if time.time() - (row.state_at or row.updated_at).timestamp() > _ENGINE_SECONDS:
                await self._stay_awake(session_id, error, began)
            return
        except BunkhouseError as error:
            await self._stay_awake(session_id, error, began)
            return
        with suppress(NotFound):
            async with self._journal.change(session_id) as change:
                if change.row.state == "hibernating":
                    change.record(_told("stop", began))
                    surroundings.gone(change)
                    change.row.kept_bytes = size
                    change.move("hibernated", "hub", row.state_reason)
                change.moved = True  # somebody may have come back meanwhile, and waits

    async def stop(self, sandbox_id: str) -> None:
        """Stop a sandbox that runs although its session sleeps."""
        await self._stop(sandbox_id)
        await self._starter.close_doors(sandbox_id)

    async def _put_to_sleep(self, row: SessionRow) -> int:
        """Returns how many bytes it keeps."""
        sandbox_id = row.sandbox_id or ""
        with suppress(BunkhouseError, TimeoutError):
            async with asyncio.timeout(_BEFORE_SECONDS):
                await self._before(row.id)
        await self.stop(sandbox_id)
        async with self._journal.database.read() as tx:
            below = await snapshots.below(tx, sandbox_id)
        with suppress(BunkhouseError):
            return below + await self._provider.size(sandbox_id)
        return below

    async def _stay_awake(self, session_id: str, error: BunkhouseError, began: float) -> None:
        with suppress(NotFound):
            async with self._journal.change(session_id) as change:
                if change.row.state != "hibernating":
                    return
                change.record(_told("stop", began, "failed"))
                change.record(
                    Problem(
                        code="not_hibernated",
                        message=f"It could not be put to sleep. {error.message}",
                        remedy=error.remedy,
                    )
                )
                change.move("idle", "hub", "it could not be put to sleep")
                await turns.begin_next(change)

    async def _stop(self, sandbox_id: str) -> None:
        grace = self._settings.stop_seconds
        try:
            async with asyncio.timeout(grace + _STOP_SECONDS):
                await self._provider.stop(sandbox_id, grace)
                status = await self._provider.status(sandbox_id)
        except TimeoutError as error:
            raise Unavailable("The engine did not stop the sandbox in time.") from error
        if status.state in ("running", "frozen"):
            raise Unavailable("The engine says that the sandbox runs although it was stopped.")

    # ── away ─────────────────────────────────────────────────────────────────────────────────

    async def put_away(self, session_id: str) -> None:
        """Keep the files of a session that has ended, and take its sandbox away."""
        if time.monotonic() < self._again.get(session_id, 0):
            return
        began = time.monotonic()
        row = await self._row(session_id)
        if row is None or row.state != "ended":
            return
        try:
            snapshot_id, size = await self._keep(row)
        except NotFound:
            return
        except BunkhouseError as error:
            await self._not_kept(session_id, error, began)
            return
        self._again.pop(session_id, None)
        if not await self._kept(row, snapshot_id, size, began):
            self._journal.bus.publish(session_id, "state")  # somebody came back, and waits
        elif row.sandbox_id is not None:
            await self._starter.remove(row.sandbox_id)

    async def _keep(self, row: SessionRow) -> tuple[str | None, int]:
        """Make a snapshot of the sandbox; returns its id and size. None: there is nothing."""
        sandbox_id = row.sandbox_id
        if sandbox_id is None or (await self._provider.status(sandbox_id)).state == "absent":
            async with self._journal.database.read() as tx:
                size = await snapshots.size(tx, row.snapshot_id) if row.snapshot_id else None
            return row.snapshot_id, size or 0
        snapshot_id = await self._named(row.id, sandbox_id)
        await self._stop(sandbox_id)
        try:
            async with asyncio.timeout(_SNAPSHOT_SECONDS):
                await self._provider.snapshot(sandbox_id, snapshot_id)
        except TimeoutError as error:
            raise Unavailable("The engine did not keep the files in time.") from error
        # The sandbox is destroyed next: nobody's word is taken for it.
        found = {one.snapshot_id: one for one in await self._provider.snapshots()}
        if snapshot_id not in found:
            raise Unavailable("The engine says that it kept the files, and has not.")
        async with self._journal.database.read() as tx:
            below = await snapshots.below(tx, sandbox_id)
        return snapshot_id, below + found[snapshot_id].size

    async def _named(self, session_id: str, sandbox_id: str) -> str:
        """The id of the snapshot, written down before it is made.

        Raises:
            NotFound: it is not wanted any more.
        """
        async with self._journal.change(session_id) as change:
            if change.row.state != "ended" or change.row.sandbox_id != sandbox_id:
                raise NotFound(f"Session {session_id} is not to be put away.")
            begun = await snapshots.unmade(change.tx, session_id, sandbox_id)
            if begun is not None:
                return begun
            snapshot_id = new_id("k")
            await snapshots.add(
                change.tx,
                snapshot_id=snapshot_id,
                session_id=session_id,
                sandbox_id=sandbox_id,
                at=datetime.now(UTC),
            )
            return snapshot_id

    async def _kept(
        self, row: SessionRow, snapshot_id: str | None, size: int, began: float
    ) -> bool:
        with suppress(NotFound):
            async with self._journal.change(row.id) as change:
                if change.row.state != "ended" or change.row.sandbox_id != row.sandbox_id:
                    return False
                new = snapshot_id is not None and snapshot_id != row.snapshot_id
                if new and not await snapshots.made(change.tx, snapshot_id or "", size):
                    return False
                self._put_down(change, snapshot_id, size, began)
                return True
        return False

    def _put_down(self, change: Change, snapshot_id: str | None, size: int, began: float) -> None:
        row = change.row
        if row.sandbox_id is not None:
            lost = snapshot_id == row.snapshot_id  # perhaps both are none
            change.record(_told("snapshot", began, "failed" if lost else "done"))
            surroundings.gone(change)
            if lost:
                said = "The sandbox was gone already. What was done in it could not be kept."
                change.record(Notice(code="sandbox_lost", message=said))
        row.sandbox_id, row.snapshot_id = None, snapshot_id
        if snapshot_id is not None:
            row.kept_bytes = size
            row.kept_until = datetime.now(UTC) + timedelta(days=self._settings.snapshot_days)
        change.moved = True

    async def _not_kept(self, session_id: str, error: BunkhouseError, began: float) -> None:
        """Its files stay in the sandbox until they can be kept; say so once for each reason."""
        again = session_id in self._again
        self._again[session_id] = time.monotonic() + AGAIN_SECONDS
        if again or isinstance(error, EngineDown):
            return
        with suppress(NotFound):
            async with self._journal.change(session_id) as change:
                if change.row.state != "ended":
                    return
                change.record(_told("snapshot", began, "failed"))
                change.record(
                    Problem(
                        code="not_kept",
                        message=f"The files are not put away yet. {error.message} They stay in the "
                        "stopped sandbox, and it is tried again.",
                        remedy=error.remedy,
                    )
                )

    # ── forgetting ───────────────────────────────────────────────────────────────────────────

    async def expire(self) -> None:
        """Let go of what was kept of ended sessions for as long as it should."""
        async with self._journal.database.read() as tx:
            due = await sessions.kept_too_long(tx, datetime.now(UTC))
        for session_id in due:
            with suppress(NotFound):
                async with self._journal.change(session_id) as change:
                    row = change.row
                    if row.state != "ended" or row.kept_until is None:
                        continue
                    row.snapshot_id = row.kept_bytes = row.kept_until = None
                    said = "Its files were kept for as long as is set, and are removed now."
                    change.record(Notice(code="snapshot_removed", message=said))

    async def forget(self, *, compare: bool) -> None:
        """Remove snapshots that nobody wants.

        `compare`: also those that the engine has and the store does not know.
        """
        async with self._journal.database.read() as tx:
            unwanted = await snapshots.unwanted(tx)
        with suppress(EngineDown):
            for snapshot_id in unwanted:
                await self._forget(snapshot_id)
            if not compare:
                return
            found = await self._provider.snapshots()
            async with self._journal.database.read() as tx:
                known = {row.id for row in await snapshots.every(tx)}
            for one in found:
                if one.snapshot_id not in known:
                    _log.info("stray_snapshot_removed", snapshot=one.snapshot_id)
                    await self._forget(one.snapshot_id)

    async def _forget(self, snapshot_id: str) -> None:
        try:
            await self._provider.forget_snapshot(snapshot_id)
        except EngineDown:
            raise
        except Conflict:
            return  # a sandbox stands on it; later
        except BunkhouseError as error:
            _log.warning("snapshot_not_removed", snapshot=snapshot_id, error=str(error))
            return
        async with self._journal.database.write() as tx:
            await snapshots.remove(tx, snapshot_id)
        self._journal.bus.publish(snapshot_id, "state")

    async def _row(self, session_id: str) -> SessionRow | None:
        async with self._journal.database.read() as tx:
            return await sessions.get(tx, session_id)


def _told(name: StageName, began: float, status: Literal["done", "failed"] = "done") -> Stage:
    return Stage(name=name, status=status, ms=round((time.monotonic() - began) * 1000))
