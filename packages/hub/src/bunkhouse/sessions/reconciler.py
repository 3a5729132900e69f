"""Sees to it that each session gets to where its state says that it is going.

The reconciler looks at all sessions at every change of a state and every few seconds, compares what
is with what should be, and starts what is missing. It keeps nothing that matters in memory: a hub
that dies in the middle leaves work that the next one picks up. Work that takes time runs outside
the database, under a lease on its session.
"""

import asyncio
import shutil
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import structlog

from bunkhouse.blobs import Blobs
from bunkhouse.errors import BunkhouseError, Conflict, EngineDown, NotFound
from bunkhouse.sandboxes.provider import SandboxProvider, SandboxStatus
from bunkhouse.sessions import surroundings, turns
from bunkhouse.sessions.identifiers import new_id
from bunkhouse.sessions.journal import Journal
from bunkhouse.sessions.lifecycle import SANDBOX_STATES
from bunkhouse.sessions.ports import ImageSource
from bunkhouse.sessions.starting import Starter
from bunkhouse.settings import Settings
from bunkhouse.store import outbox, sandboxes, sessions
from bunkhouse.store.sessions import SessionRow
from bunkhouse_protocol.events import Notice

_log = structlog.get_logger("bunkhouse.reconciler")

_SWEEP_SECONDS = 3.0
_LEASE_SECONDS = 60.0
_REMOVAL_SECONDS = 5.0
"""How long a hub that stops waits for sandboxes that are being destroyed."""
_RESTARTS = 3
"""How often a sandbox that stops by itself is started again within `_RESTART_WINDOW`."""
_RESTART_WINDOW = 600.0


class Reconciler:
    """One for each hub."""

    def __init__(
        self,
        journal: Journal,
        provider: SandboxProvider,
        starter: Starter,
        images: ImageSource,
        settings: Settings,
        *,
        alone: bool = True,
        blobs: Blobs | None = None,
    ) -> None:
        """`alone`: no other hub works on this store, so leases of earlier ones are void."""
        self._journal = journal
        self._provider = provider
        self._starter = starter
        self._images = images
        self._settings = settings
        self._alone = alone
        self._blobs = blobs
        self._owner = new_id("hub")
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._removals: set[asyncio.Task[None]] = set()
        self._restarts: dict[str, list[float]] = {}
        self._compared = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        if self._alone:
            async with self._journal.database.write() as tx:
                await sessions.release_all(tx)
        await self._reopen()
        try:
            with self._journal.bus.subscribe(topic="state") as subscription:
                while True:
                    try:
                        await self._sweep()
                    except BunkhouseError as error:
                        _log.warning("sweep_failed", error=str(error))
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_SWEEP_SECONDS):
                            await subscription.wait()
                    subscription.sessions()
        finally:
            # A removal that was cut off would leave something running; a start can be taken up.
            if self._removals:
                await asyncio.wait(self._removals, timeout=_REMOVAL_SECONDS)
            for task in list(self._tasks.values()):
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _reopen(self) -> None:
        """Listen again for the sandboxes that outlived the hub before this one."""
        async with self._journal.database.read() as tx:
            living = await sandboxes.living(tx)
        for sandbox in living:
            await self._starter.open_doors(sandbox.id, sandbox.session_id)

    # ── one look at everything ───────────────────────────────────────────────────────────────

    async def _sweep(self) -> None:
        async with self._journal.database.read() as tx:
            queued = await sessions.in_states(tx, "queued")
            there = await sessions.in_states(tx, *SANDBOX_STATES)
            living = await sandboxes.living(tx)
            deleted = await sessions.deleted(tx)
            failed = await sessions.in_states(tx, "failed")
        # A failed session keeps its sandbox, if it has one: a retry uses it again.
        kept = [row for row in failed if row.sandbox_id is not None]
        await self._admit(queued, len(there) + len(kept))
        for row in there:
            if row.state == "starting":
                self._spawn(row.id, self._take_up(row.id))
        wanted = {row.sandbox_id for row in (*queued, *there, *kept)}
        for sandbox in living:
            if sandbox.id not in wanted:
                self._spawn(sandbox.id, self._starter.remove(sandbox.id), removal=True)
        for session_id in deleted:
            if all(sandbox.session_id != session_id for sandbox in living):
                if self._blobs is not None:
                    await self._blobs.remove(session_id)
                async with self._journal.database.write() as tx:
                    await sessions.purge(tx, session_id)
        if time.monotonic() - self._compared > _SWEEP_SECONDS / 2:
            await self._compare(there, {sandbox.id for sandbox in living})
            self._compared = time.monotonic()

    async def _admit(self, queued: list[SessionRow], running: int) -> None:
        """Start what waits, as far as there is an image, an engine and room."""
        if not queued:
            return
        ready = await self._images.readiness()
        for row in queued:
            reason = ready.reason or self._crowded(running)
            if reason is not None:
                if row.state_reason != reason:
                    await self._wait(row.id, reason)
            elif row.id not in self._tasks:
                running += 1
                self._spawn(row.id, self._take_up(row.id, ready.reference))

    def _crowded(self, running: int) -> str | None:
        limit = self._settings.max_sandboxes
        if running >= limit:
            return f"{running} sandboxes are running, and {limit} is the limit; waits for one."
        free = shutil.disk_usage(self._settings.data_dir).free
        if free < self._settings.min_free_bytes:
            return (
                f"Only {free >> 20} MiB are free on the hub's disk, and "
                f"{self._settings.min_free_bytes >> 20} MiB are kept in reserve. Free some space."
            )
        return None

    async def _wait(self, session_id: str, reason: str) -> None:
        with suppress(NotFound, Conflict):
            async with self._journal.change(session_id) as change:
                change.move("queued", "hub", reason)

    async def _compare(self, there: list[SessionRow], living: set[str]) -> None:
        """Hold what the engine has against what the store says."""
        try:
            found = {status.sandbox_id: status for status in await self._provider.list()}
        except EngineDown:
            return
        for row in there:
            if row.state == "starting" or row.sandbox_id is None:
                continue
            status = found.get(row.sandbox_id)
            if status is None or status.state in ("exited", "absent"):
                await self._lost(row, status)
        for sandbox_id in found.keys() - living:
            self._spawn(sandbox_id, self._remove_stray(sandbox_id), removal=True)

    async def _remove_stray(self, sandbox_id: str) -> None:
        """A sandbox of ours that the store does not know, left by a hub that died."""
        async with self._journal.database.read() as tx:
            if any(sandbox.id == sandbox_id for sandbox in await sandboxes.living(tx)):
                return
        _log.info("stray_sandbox_removed", sandbox=sandbox_id)
        await self._starter.remove(sandbox_id)

    async def _lost(self, row: SessionRow, status: SandboxStatus | None) -> None:
        """The sandbox of a session stopped by itself: fail its turn and start it again."""
        gone = status is None or status.state == "absent"
        why = _why(status)
        times = [at for at in self._restarts.get(row.id, []) if at > time.time() - _RESTART_WINDOW]
        self._restarts[row.id] = [*times, time.time()]
        with suppress(NotFound, Conflict):
            async with self._journal.change(row.id) as change:
                if change.row.sandbox_id != row.sandbox_id or change.row.state != row.state:
                    return
                await turns.lose(
                    change,
                    code="sandbox_lost",
                    message=f"{why} Its files are kept; send the prompt again."
                    if not gone
                    else f"{why} Work that was not pushed is lost.",
                )
                await outbox.clear(change.tx, row.id)
                surroundings.gone(change)
                if gone:
                    change.row.sandbox_id = None
                change.record(Notice(code="sandbox_lost", message=f"{why} It is started again."))
                change.move("queued", "hub", "its sandbox is started again")
        if len(times) >= _RESTARTS:
            async with self._journal.change(row.id) as change:
                change.move("starting", "hub")
            await self._starter.fail(
                row.id,
                "sandbox_unstable",
                f"The sandbox stopped {len(times) + 1} times within ten minutes.",
                "Try again, perhaps with more memory (BUNKHOUSE_SANDBOX_MEMORY).",
            )

    # ── work under a lease ───────────────────────────────────────────────────────────────────

    def _spawn(self, key: str, work: Coroutine[Any, Any, None], *, removal: bool = False) -> None:
        if key in self._tasks:
            work.close()
            return
        task = asyncio.create_task(work, name=f"reconcile {key}")
        self._tasks[key] = task
        if removal:
            self._removals.add(task)

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.pop(key, None)
            self._removals.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                _log.warning("work_failed", key=key, error=str(error), exc_info=error)

        task.add_done_callback(done)

    async def _take_up(self, session_id: str, image: str | None = None) -> None:
        """Start a session's sandbox, as the only one who does."""
        if not await self._claim(session_id):
            return
        keep = asyncio.create_task(self._renew(session_id))
        try:
            if image is None:
                image = (await self._images.readiness()).reference
            with suppress(NotFound, Conflict):
                async with self._journal.change(session_id) as change:
                    if change.row.state == "queued":
                        change.move("starting", "hub")
            await self._starter.start(session_id, image or "")
        finally:
            keep.cancel()
            async with self._journal.database.write() as tx:
                await sessions.release(tx, session_id, owner=self._owner)

    async def _claim(self, session_id: str) -> bool:
        now = time.time()
        async with self._journal.database.write() as tx:
            return await sessions.claim(
                tx, session_id, owner=self._owner, now=now, until=now + _LEASE_SECONDS
            )

    async def _renew(self, session_id: str) -> None:
        while True:
            await asyncio.sleep(_LEASE_SECONDS / 3)
            await self._claim(session_id)


def _why(status: SandboxStatus | None) -> str:
    if status is None or status.state == "absent":
        return "The sandbox is gone."
    if status.oom_killed:
        return "The sandbox ran out of memory and stopped."
    return f"The sandbox stopped (exit code {status.exit_code})."
