"""Sees to it that each session gets to where its state says that it is going.

The reconciler looks at all sessions at every change of a state and every few seconds, compares what
is with what should be, and starts what is missing. It keeps nothing that matters in memory: a hub
that dies in the middle leaves work that the next one picks up. Work that takes time runs outside
the database, under a lease on its session.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import structlog

from bunkhouse.blobs import Blobs
from bunkhouse.errors import BunkhouseError, Conflict, EngineDown, NotFound
from bunkhouse.sandboxes.provider import SandboxProvider, SandboxStatus
from bunkhouse.sandboxes.readiness import Readiness
from bunkhouse.sessions import surroundings, turns
from bunkhouse.sessions.deleting import Retention
from bunkhouse.sessions.dozing import Dozing
from bunkhouse.sessions.forking import Forking, waits_for_files
from bunkhouse.sessions.journal import Journal
from bunkhouse.sessions.keeping import Keeper
from bunkhouse.sessions.leasing import Leases
from bunkhouse.sessions.lifecycle import COMING_STATES, SANDBOX_STATES
from bunkhouse.sessions.ports import ImageSource
from bunkhouse.sessions.room import Room
from bunkhouse.sessions.starting import Starter
from bunkhouse.settings import Settings
from bunkhouse.store import outbox, sandboxes, sessions, snapshots
from bunkhouse.store.sandboxes import SandboxRow
from bunkhouse.store.sessions import SessionRow
from bunkhouse_protocol.events import Notice

_log = structlog.get_logger("bunkhouse.reconciler")

_SWEEP_SECONDS = 3.0
_RETENTION_SECONDS = 60.0
"""How often it is looked for what was kept for long enough."""
_SNAPSHOTS_SECONDS = 60.0
"""How often the engine's snapshots are held against the store's."""
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
        keeper: Keeper,
        dozing: Dozing,
        alone: bool = True,
        blobs: Blobs | None = None,
        forking: Forking | None = None,
        retention: Retention | None = None,
    ) -> None:
        """`alone`: no other hub works on this store, so leases of earlier ones are void."""
        self._journal = journal
        self._provider = provider
        self._starter = starter
        self._keeper = keeper
        self._dozing = dozing
        self._images = images
        self._settings = settings
        self._alone = alone
        self._blobs = blobs
        self._forking = forking
        self._retention = retention
        self._retained = float("-inf")
        self._leases = Leases(journal.database)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._removals: set[asyncio.Task[None]] = set()
        self._restarts: dict[str, list[float]] = {}
        self._silent: dict[str, float] = {}
        """Since when a sandbox that should be there has not been connected."""
        self._compared = 0.0
        self._snapshots_compared = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        if self._alone:
            await self._leases.void_all()
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
            await self.give_up()

    async def look(self) -> None:
        """Look at everything once, and wait until what is begun by that is done."""
        self._compared = 0.0
        self._retained = float("-inf")
        await self._sweep()
        while self._tasks:
            await asyncio.wait(self._tasks.values())

    async def give_up(self) -> None:
        """Drop all work where it is."""
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _reopen(self) -> None:
        """Listen again for the sandboxes that outlived the hub before this one."""
        async with self._journal.database.read() as tx:
            living = await sandboxes.living(tx)
            asleep = await sessions.in_states(tx, "hibernated", "ended")
        closed = {row.sandbox_id for row in asleep}
        for sandbox in living:
            if sandbox.id not in closed:
                await self._starter.open_doors(sandbox.id, sandbox.session_id)

    # ── one look at everything ───────────────────────────────────────────────────────────────

    async def _sweep(self) -> None:
        async with self._journal.database.read() as tx:
            waiting = await sessions.in_states(tx, "queued", "restoring")
            there = await sessions.in_states(tx, *SANDBOX_STATES)
            falling = await sessions.in_states(tx, "hibernating")
            asleep = await sessions.in_states(tx, "hibernated")
            ended = await sessions.to_put_away(tx)
            living = await sandboxes.living(tx)
            deleted = await sessions.deleted(tx)
            failed = await sessions.in_states(tx, "failed")
            stalled = await sessions.stalled(tx)
        # A failed session keeps its sandbox, if it has one: a retry uses it again.
        kept = [row for row in failed if row.sandbox_id is not None]
        await self._admit(
            [row for row in waiting if not waits_for_files(row)], [*there, *falling, *kept]
        )
        await self._go_on(stalled)
        for row in filter(waits_for_files, waiting):
            if self._forking is not None:
                self._spawn(row.id, self._alone_with(row.id, self._forking.copy))
        for row in there:
            if row.state == "starting":
                self._spawn(row.id, self._take_up(row.id))
            elif self._dozing.due(row):
                self._spawn(row.id, self._dozing.doze(row.id))
        for row in falling:
            self._spawn(row.id, self._alone_with(row.id, self._keeper.hibernate))
        for row in ended:
            self._spawn(row.id, self._alone_with(row.id, self._keeper.put_away))
        every = (*waiting, *there, *falling, *asleep, *ended, *kept)
        wanted = {row.sandbox_id for row in every}
        for sandbox in living:
            if sandbox.id not in wanted:
                self._spawn(sandbox.id, self._starter.remove(sandbox.id), removal=True)
        self._spawn("snapshots", self._sort_out_snapshots())
        if self._retention is not None and _passed(self._retained, _RETENTION_SECONDS):
            self._retained = time.monotonic()
            self._spawn("retention", self._retention.round())
        await self._purge(deleted, living)
        if time.monotonic() - self._compared > _SWEEP_SECONDS / 2:
            await self._compare(there, asleep, {sandbox.id for sandbox in living})
            self._compared = time.monotonic()

    async def _purge(self, deleted: list[str], living: list[SandboxRow]) -> None:
        """Forget sessions that were deleted and of which nothing is left."""
        for session_id in deleted:
            async with self._journal.database.read() as tx:
                kept = await snapshots.of_session(tx, session_id)
            if kept or any(sandbox.session_id == session_id for sandbox in living):
                continue
            if self._blobs is not None:
                await self._blobs.remove(session_id)
            async with self._journal.database.write() as tx:
                await sessions.purge(tx, session_id)
            self._journal.bus.publish(session_id, "state")

    async def _sort_out_snapshots(self) -> None:
        await self._keeper.expire()
        compare = time.monotonic() - self._snapshots_compared > _SNAPSHOTS_SECONDS
        await self._keeper.forget(compare=compare)
        if compare:
            self._snapshots_compared = time.monotonic()

    async def _go_on(self, stalled: list[str]) -> None:
        """Begin with prompts that had to wait, when no new work was to begin."""
        for session_id in stalled:
            if self._journal.hold() is not None:
                return
            with suppress(NotFound):
                async with self._journal.change(session_id) as change:
                    await turns.begin_next(change)

    async def _admit(self, waiting: list[SessionRow], taken: list[SessionRow]) -> None:
        """Start what waits, as far as there is an image, an engine and room.

        `taken`: the sessions that take room already.
        """
        if not waiting:
            return
        ready = await self._images.readiness()
        held = self._journal.hold()
        room = Room(self._settings, [*taken, *(row for row in waiting if row.id in self._tasks)])
        for row in sorted(waiting, key=lambda row: row.state_at or row.created_at):
            if row.id in self._tasks:
                continue
            why = _missing(row, ready) or held or room.full(row)
            if why is None:
                room.take(row)
                self._spawn(row.id, self._take_up(row.id, ready.reference))
            elif row.state_reason != why:
                await self._wait(row, why)
        for author, crowded in room.crowded.items():
            self._spawn(f"room {author}", self._dozing.make_room(crowded, author))

    async def _wait(self, row: SessionRow, reason: str | None) -> None:
        with suppress(NotFound, Conflict):
            async with self._journal.change(row.id) as change:
                if change.row.state == row.state:
                    change.move(row.state, "hub", reason)

    async def _compare(
        self, there: list[SessionRow], asleep: list[SessionRow], living: set[str]
    ) -> None:
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
            elif status.state == "frozen":
                self._spawn(row.id, self._alone_with(row.id, self._thaw))
            else:
                self._listen(row)
        for row in asleep:
            status = found.get(row.sandbox_id or "")
            if status is not None and status.state in ("running", "frozen"):
                self._spawn(row.id, self._alone_with(row.id, self._stop_again))
        for sandbox_id in found.keys() - living:
            self._spawn(sandbox_id, self._remove_stray(sandbox_id), removal=True)

    def _listen(self, row: SessionRow) -> None:
        """A sandbox that runs, and of which nothing is heard for too long, is started anew."""
        if self._starter.connected(row.id):
            self._silent.pop(row.id, None)
            return
        since = self._silent.setdefault(row.id, time.monotonic())
        if time.monotonic() - since > self._settings.connect_seconds:
            self._spawn(row.id, self._alone_with(row.id, self._wake_up))

    async def _wake_up(self, session_id: str) -> None:
        async with self._journal.database.read() as tx:
            row = await sessions.get(tx, session_id)
        if row is None or row.sandbox_id is None or row.state not in SANDBOX_STATES:
            return
        self._silent.pop(session_id, None)
        if self._starter.connected(session_id):
            return
        _log.warning("sandbox_silent", session=session_id, sandbox=row.sandbox_id)
        await self._provider.stop(row.sandbox_id, 0)
        seconds = self._settings.connect_seconds
        said = f"Nothing was heard of the sandbox for {seconds:g} s, so it was stopped."
        with suppress(NotFound):
            await self._journal.note(session_id, Notice(code="sandbox_silent", message=said))

    async def _thaw(self, session_id: str) -> None:
        """All of a sandbox's processes stand still, and it has no way of saying so itself."""
        async with self._journal.database.read() as tx:
            row = await sessions.get(tx, session_id)
        if row is None or row.sandbox_id is None or row.state not in SANDBOX_STATES:
            return
        if (await self._provider.status(row.sandbox_id)).state == "frozen":
            with suppress(NotFound):
                await self._starter.thaw(session_id, row.sandbox_id)

    async def _stop_again(self, session_id: str) -> None:
        """A session sleeps, and yet its sandbox runs: somebody else started it."""
        async with self._journal.database.read() as tx:
            row = await sessions.get(tx, session_id)
        if row is not None and row.state == "hibernated" and row.sandbox_id is not None:
            await self._keeper.stop(row.sandbox_id)

    async def _remove_stray(self, sandbox_id: str) -> None:
        """A sandbox of ours that the store does not know, left by a hub that died."""
        async with self._journal.database.read() as tx:
            if any(sandbox.id == sandbox_id for sandbox in await sandboxes.living(tx)):
                return
        _log.info("stray_sandbox_removed", sandbox=sandbox_id)
        await self._starter.remove(sandbox_id)

    async def _lost(self, row: SessionRow, status: SandboxStatus | None) -> None:
        """The sandbox of a session stopped by itself, or is gone: start it again, or another."""
        gone = status is None or status.state == "absent"
        why = _why(status)
        times = [at for at in self._restarts.get(row.id, []) if at > time.time() - _RESTART_WINDOW]
        self._restarts[row.id] = [*times, time.time()]
        with suppress(NotFound, Conflict):
            async with self._journal.change(row.id) as change:
                if change.row.sandbox_id != row.sandbox_id or change.row.state != row.state:
                    return
                if gone:
                    await turns.lose(
                        change, code="sandbox_lost", message=f"{why} {_loss(change.row)}"
                    )
                    await outbox.clear(change.tx, row.id)
                    change.row.sandbox_id = None
                # Else its runner has written down how far the turn came, and says so itself.
                surroundings.gone(change)
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

    async def _alone_with(self, session_id: str, work: Callable[[str], Awaitable[None]]) -> None:
        """Work on a session as the only one who does."""
        async with self._leases.held(session_id) as mine:
            if mine:
                await work(session_id)

    async def _take_up(self, session_id: str, image: str | None = None) -> None:
        """Start a session's sandbox, as the only one who does."""
        async with self._leases.held(session_id) as mine:
            if not mine:
                return
            if image is None:
                image = (await self._images.readiness()).reference
            with suppress(NotFound, Conflict):
                async with self._journal.change(session_id) as change:
                    if change.row.state == "queued":
                        change.move("starting", "hub")
            ended = await self._starter.start(session_id, image or "")
            if ended is None:
                return
            async with self._journal.database.read() as tx:
                row = await sessions.get(tx, session_id)
            if row is not None and row.state in COMING_STATES:
                await self._lost(row, ended)


def _passed(since: float, seconds: float) -> bool:
    return time.monotonic() - since > seconds


def _missing(row: SessionRow, ready: Readiness) -> str | None:
    """What a session waits for besides room. One that sleeps has its sandbox, and no image."""
    asleep = row.state == "restoring" and row.sandbox_id is not None
    return None if asleep else ready.reason


def _loss(row: SessionRow) -> str:
    if row.snapshot_id is not None:
        return "What was done since the session was brought back is lost."
    return "Work that was not pushed is lost."


def _why(status: SandboxStatus | None) -> str:
    if status is None or status.state == "absent":
        return "The sandbox is gone."
    if status.oom_killed:
        return "The sandbox ran out of memory and stopped."
    return f"The sandbox stopped (exit code {status.exit_code})."
