"""Getting one session's sandbox going: from `starting` or `restoring` to a runner that is ready."""

import asyncio
import secrets
import shutil
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal

from bunkhouse.errors import BunkhouseError, EngineDown, ImageMissing, NotFound, SnapshotMissing
from bunkhouse.sandboxes.provider import SandboxProvider, SandboxSpec, SandboxStatus
from bunkhouse.sessions import surroundings, turns
from bunkhouse.sessions.identifiers import new_id
from bunkhouse.sessions.journal import Journal
from bunkhouse.sessions.lifecycle import COMING_STATES
from bunkhouse.sessions.links import Links
from bunkhouse.sessions.ports import Doors
from bunkhouse.settings import Settings
from bunkhouse.store import outbox, sandboxes, sessions
from bunkhouse.store.sandboxes import hash_token
from bunkhouse.store.sessions import SessionRow
from bunkhouse_protocol.events import Notice, Problem, Stage, StageName

_LOOK_SECONDS = 1.0
"""How often it is looked whether a sandbox that does not dial in is still alive."""
_KILLED = (128 + signal.SIGKILL, 128 + signal.SIGTERM)
"""How a sandbox ends that somebody ends, be it the kernel for want of memory."""


class Starter:
    """Makes sandboxes, wakes stopped ones, and removes them."""

    def __init__(
        self,
        journal: Journal,
        links: Links,
        provider: SandboxProvider,
        doors: Doors,
        settings: Settings,
    ) -> None:
        self._journal = journal
        self._links = links
        self._provider = provider
        self._doors = doors
        self._settings = settings

    async def start(self, session_id: str, image: str) -> SandboxStatus | None:
        """Bring a session that is `starting` or `restoring` to where its runner takes over.

        Or to `failed`, or back to waiting where the engine or the image is away. Whatever was done
        before (by a hub that died on the way) is taken up. Returns how the sandbox is where it
        ended by itself while it was being set up: the session is then where it was.
        """
        try:
            if not await self._container(session_id, image):
                return None
            return await self._connected(session_id) or await self._set_up(session_id)
        except NotFound:
            return None
        except SnapshotMissing as error:
            await self._nothing_kept(session_id, error)
        except (EngineDown, ImageMissing) as error:
            await self._back(session_id, str(error))
        except BunkhouseError as error:
            await self.fail(session_id, error.reason, error.message, error.remedy)
        return None

    async def thaw(self, session_id: str, sandbox_id: str) -> None:
        """Have a sandbox go on whose processes all stand still, and say so in the session."""
        await self._provider.start(sandbox_id)
        said = "The sandbox stood still: something had frozen it. It goes on."
        await self._journal.note(session_id, Notice(code="sandbox_frozen", message=said))

    async def open_doors(self, sandbox_id: str, session_id: str) -> None:
        """Listen where the sandbox will dial."""
        folder = self._settings.run_dir / sandbox_id
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        await self._doors.open(sandbox_id, session_id, folder)

    async def close_doors(self, sandbox_id: str) -> None:
        """Listen no more where the sandbox would dial."""
        await self._doors.close(sandbox_id)

    def connected(self, session_id: str) -> bool:
        """Whether the session's runner is there."""
        return self._links.connected(session_id)

    async def remove(self, sandbox_id: str) -> None:
        """Destroy a sandbox and all that it had on this machine."""
        await self._provider.destroy(sandbox_id)
        await self.close_doors(sandbox_id)
        folder = self._settings.run_dir / sandbox_id
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        async with self._journal.database.write() as tx:
            await sandboxes.destroyed(tx, sandbox_id, datetime.now(UTC))
        self._journal.bus.publish(sandbox_id, "state")

    async def fail(
        self, session_id: str, code: str, message: str, remedy: str | None = None
    ) -> None:
        """Say in the session why it could not be set up."""
        async with self._journal.change(session_id) as change:
            if change.row.state not in COMING_STATES:
                return
            # Its sandbox may have stopped in the middle of a turn.
            await turns.lose(change, code=code, message=message)
            change.record(Problem(code=code, message=message, remedy=remedy))
            change.row.activity = message
            change.move("failed", "hub", message)

    # ── the steps ────────────────────────────────────────────────────────────────────────────

    async def _container(self, session_id: str, image: str) -> bool:
        """Have a sandbox that runs; False: the session waits for a new start instead."""
        began = time.monotonic()
        row = await self._row(session_id)
        if row.sandbox_id is not None:
            state = (await self._provider.status(row.sandbox_id)).state
            if state == "running":
                await self.open_doors(row.sandbox_id, session_id)
                # It may have said that it is ready while nobody waited for that.
                await self._links.redial(session_id)
                return True
            if state in ("exited", "frozen"):
                await self._stage(session_id, "container", "started", detail="starting it again")
                await self.open_doors(row.sandbox_id, session_id)
                if await self._is_started(row.sandbox_id):
                    await self._stage(session_id, "container", "done", began=began)
                    return True
            await self.remove(row.sandbox_id)
            if row.state == "restoring" and row.snapshot_id is None:
                await self._lost(session_id)
                return False
            if row.state == "starting" and row.spool_id is not None:
                await self._work_lost(session_id)
        what = "from what was kept" if row.snapshot_id else None
        await self._stage(session_id, "container", "started", detail=what)
        spec = await self._spec(session_id, image)
        await self.open_doors(spec.sandbox_id, session_id)
        await self._provider.create(spec)
        if not await self._is_started(spec.sandbox_id):
            await self._back(session_id, "its sandbox was taken away; a new one is made")
            return False
        await self._stage(session_id, "container", "done", began=began)
        return True

    async def _is_started(self, sandbox_id: str) -> bool:
        """Start a sandbox; False: somebody took it away since it was looked at."""
        try:
            await self._provider.start(sandbox_id)
        except NotFound:
            return False
        return True

    async def _spec(self, session_id: str, image: str) -> SandboxSpec:
        """A new sandbox for this session, written down before it is made."""
        sandbox_id, token = new_id("s"), secrets.token_urlsafe(32)
        async with self._journal.change(session_id) as change:
            await sandboxes.add(
                change.tx,
                sandbox_id=sandbox_id,
                session_id=session_id,
                token_hash=hash_token(token),
                at=datetime.now(UTC),
                snapshot_id=change.row.snapshot_id,
            )
            await outbox.clear(change.tx, session_id)
            surroundings.gone(change)
            change.row.sandbox_id = sandbox_id
            snapshot_id = change.row.snapshot_id
        settings = self._settings
        return SandboxSpec(
            sandbox_id=sandbox_id,
            session_id=session_id,
            image=image,
            snapshot_id=snapshot_id,
            run_dir=None if settings.hub_url_for_sandboxes else settings.run_dir / sandbox_id,
            hub_url=settings.hub_url_for_sandboxes,
            token=token,
            memory=settings.sandbox_memory,
            cpus=settings.sandbox_cpus,
            pids=settings.sandbox_pids,
        )

    async def _connected(self, session_id: str) -> SandboxStatus | None:
        """Wait for the runner. Returns how the sandbox is where it can be started again."""
        began = time.monotonic()
        await self._stage(session_id, "connect", "started")
        trouble = await self._wait_for_runner(session_id)
        if trouble is None:
            await self._stage(session_id, "connect", "done", began=began)
            return None
        await self._stage(session_id, "connect", "failed", began=began)
        if isinstance(trouble, SandboxStatus):
            return trouble
        await self.fail(
            session_id,
            "sandbox_silent",
            trouble,
            "Try again; `bunkhouse doctor` says whether the engine is well.",
        )
        return None

    async def _wait_for_runner(self, session_id: str) -> SandboxStatus | str | None:
        """Until the runner has dialled in; or what keeps it from it, in words.

        Of one that somebody ended, or that worked before, how it is: it can be started again.
        """
        limit = self._settings.connect_seconds
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._links.wait_connected(session_id)
                    return None
            row = await self._row(session_id)
            status = await self._provider.status(row.sandbox_id or "")
            if status.state in ("exited", "absent"):
                taken = status.state == "absent" or status.exit_code in _KILLED
                if taken or row.spool_id is not None:
                    return status
                said = f": {status.detail}" if status.detail else ""
                return f"The sandbox ended right after its start (code {status.exit_code}){said}."
        return f"The sandbox did not come up within {limit:g} s."

    async def _set_up(self, session_id: str) -> SandboxStatus | None:
        """Wait until the runner has cloned and started the agent, or said that it can't.

        Returns how the sandbox is where it ended meanwhile.
        """
        try:
            began = asyncio.get_running_loop().time()
            async with asyncio.timeout(self._settings.setup_seconds) as patience:
                with self._journal.bus.subscribe(session_id) as subscription:
                    while (row := await self._row(session_id)).state in COMING_STATES:
                        if row.set_up is not None and row.set_up.get("commands"):
                            limit = self._settings.setup_seconds + row.set_up["seconds"]
                            patience.reschedule(began + limit)
                        try:
                            async with asyncio.timeout(_LOOK_SECONDS):
                                await subscription.wait()
                        except TimeoutError:
                            ended = await self._ended(session_id, row.sandbox_id or "")
                            if ended is not None:
                                return ended
        except TimeoutError:
            await self.fail(
                session_id,
                "setup_timeout",
                f"Setting up took longer than {self._settings.setup_seconds:g} s.",
                "Try again, or raise BUNKHOUSE_SETUP_SECONDS for a very large repository.",
            )
        return None

    async def _ended(self, session_id: str, sandbox_id: str) -> SandboxStatus | None:
        """How a sandbox is that will never be ready, since it has ended; one that froze goes on."""
        with suppress(EngineDown):  # sandboxes may outlive their engine's restart
            status = await self._provider.status(sandbox_id)
            if status.state == "frozen":
                await self.thaw(session_id, sandbox_id)
            elif status.state in ("exited", "absent"):
                return status
        return None

    async def _back(self, session_id: str, reason: str) -> None:
        async with self._journal.change(session_id) as change:
            if change.row.state == "starting":
                change.move("queued", "hub", reason)
            elif change.row.state == "restoring" and change.row.state_reason != reason:
                change.move("restoring", "hub", reason)

    async def _lost(self, session_id: str) -> None:
        """What slept is not there any more, and nothing else is kept of it."""
        async with self._journal.change(session_id) as change:
            if change.row.state == "restoring":
                change.row.sandbox_id = None
                said = "The sandbox is gone. Work that was not pushed is lost; a new one is made."
                change.record(Notice(code="sandbox_lost", message=said))
                change.move("queued", "hub", "a new sandbox is made")

    async def _work_lost(self, session_id: str) -> None:
        """What worked here before is gone, while it was being started again."""
        said = "The sandbox is gone. Work that was not pushed is lost; a new one is made."
        await self._journal.note(session_id, Notice(code="sandbox_lost", message=said))

    async def _nothing_kept(self, session_id: str, error: SnapshotMissing) -> None:
        """The snapshot that it was to be made of is gone from the engine."""
        async with self._journal.change(session_id) as change:
            row = change.row
            row.snapshot_id = row.sandbox_id = row.kept_bytes = None
            remedy = "Start a new session; what was said in this one stays readable."
            change.record(Problem(code=error.reason, message=error.message, remedy=remedy))
            if row.state == "restoring":
                change.move("ended", "hub", error.message)
            elif row.state == "starting":
                change.move("queued", "hub", "a new sandbox is made")

    async def _row(self, session_id: str) -> SessionRow:
        async with self._journal.database.read() as tx:
            row = await sessions.get(tx, session_id)
        if row is None or row.state == "ended":
            raise NotFound(f"Session {session_id} is gone.")
        return row

    async def _stage(
        self,
        session_id: str,
        name: StageName,
        status: Literal["started", "done", "failed"],
        *,
        detail: str | None = None,
        began: float | None = None,
    ) -> None:
        ms = None if began is None else round((time.monotonic() - began) * 1000)
        await self._journal.note(session_id, Stage(name=name, status=status, detail=detail, ms=ms))
