"""A service: programs that are started for whoever asks first, and stopped when nobody uses them.

Its states: stopped → starting → ready → stopping → stopped, or failed. Each change is an event.
"""

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from pathlib import Path

import structlog

from bunkhouse_protocol.events import ServiceChanged, ServiceName, ServiceState
from bunkhouse_protocol.gateway import ServiceStart, ServiceStatus
from bunkhouse_runner import processes
from bunkhouse_runner.agents.base import Emit
from bunkhouse_runner.environment.folders import make_folder
from bunkhouse_runner.environment.output import Output
from bunkhouse_runner.errors import RunnerError, StreamRefused
from bunkhouse_runner.processes import Account

_log = structlog.get_logger("bunkhouse.runner.environment")

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

IDLE_SECONDS = 900.0
PATIENCE_SECONDS = 60.0
"""In which a program must answer."""
GRACE_SECONDS = 3.0
UNUSED = "unused"
_LOOK_SECONDS = 0.03


class Service(ABC):
    """One service. What it is made of, its kinds say: `begin`, `connect`, `tend`."""

    name: ServiceName

    def __init__(self, emit: Emit, account: Account, workspace: Path) -> None:
        self.account = account
        self.workspace = workspace
        self.patience = PATIENCE_SECONDS
        self.connections = 0
        self._idle_seconds = IDLE_SECONDS
        self._emit = emit
        self._state: ServiceState = "stopped"
        self._detail: str | None = None
        self._progress: float | None = None
        self._ms: int | None = None
        self._running: list[asyncio.subprocess.Process] = []
        self._output = Output()
        self._starting: asyncio.Task[None] | None = None
        self._tending: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None

    # ── what kinds of services say ───────────────────────────────────────────────────────────

    @abstractmethod
    async def begin(self, request: ServiceStart) -> None:
        """Return when it answers. Raises RunnerError; what was begun is ended by the caller."""

    @abstractmethod
    async def connect(self) -> Streams:
        """Open a stream to it. Raises OSError."""

    async def tend(self) -> None:
        """Return when it has ended by itself."""
        await self._running[0].wait()

    # ── what kinds of services use ───────────────────────────────────────────────────────────

    @property
    def folder(self) -> Path:
        """Where its sockets are. Made with the service, as the agent's."""
        return make_folder(self.account.home / ".local/state/bunkhouse", self.account)

    @property
    def processes(self) -> list[int]:
        """The process ids below which its processes are."""
        return [process.pid for process in self._running]

    def tell(self, detail: str, progress: float) -> None:
        """Say what the start is doing, and how far it is (0 to 1)."""
        self._become("starting", detail, progress)

    async def run(
        self, *argv: str, env: Mapping[str, str] | None = None
    ) -> asyncio.subprocess.Process:
        """Start one of its programs. Raises RunnerError where it is not there."""
        try:
            with self._output.taken() as descriptor:
                process = await processes.start(
                    argv,
                    self.account,
                    cwd=self.workspace,
                    env=env,
                    stdout=descriptor,
                    stderr=descriptor,
                )
        except OSError as error:
            raise RunnerError(
                "service_failed",
                f"{Path(argv[0]).name} could not be started: {error.strerror}.",
                remedy="Build the sandbox image anew: `bunkhouse image build`.",
            ) from error
        self._running.append(process)
        return process

    async def until(self, answers: Callable[[], Awaitable[bool]]) -> None:
        """Wait until this is so. Raises RunnerError where the newest program ends before that, or
        `patience` runs out."""
        newest = self._running[-1]
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.patience
        while (left := deadline - loop.time()) > 0:
            if newest.returncode is not None:
                await self._output.settled()
                raise self._failure(f"It ended with exit code {newest.returncode}.")
            with contextlib.suppress(OSError, EOFError, TimeoutError):
                async with asyncio.timeout(left):
                    if await answers():
                        return
            await asyncio.sleep(_LOOK_SECONDS)
        raise self._failure(f"It did not answer within {self.patience:.0f} seconds.")

    def _failure(self, why: str) -> RunnerError:
        return RunnerError(
            "service_failed",
            f"The {self.name} could not be started. {why}",
            remedy="Try again. If it fails again, what it printed says more.",
            detail=self._output.text() or None,
        )

    # ── starting ─────────────────────────────────────────────────────────────────────────────

    def status(self) -> ServiceStatus:
        """Say how it is, without its memory."""
        return ServiceStatus(
            name=self.name,
            state=self._state,
            detail=self._detail,
            progress=self._progress,
            connections=self.connections,
            ms=self._ms,
        )

    def _become(
        self, state: ServiceState, detail: str | None = None, progress: float | None = None
    ) -> None:
        self._state, self._detail, self._progress = state, detail, progress
        ms = self._ms if state == "ready" else None
        self._emit(
            ServiceChanged(name=self.name, state=state, detail=detail, progress=progress, ms=ms)
        )

    async def start(self, request: ServiceStart) -> ServiceStatus:
        """Start it, if it does not run; return when it is ready. One start serves all who ask.

        Raises RunnerError `service_failed`, with the end of what its programs printed, and
        `service_stopped` where somebody stopped it meanwhile.
        """
        while self._stopping is not None:
            await asyncio.wait({self._stopping})
        if self._state != "ready":
            if self._starting is None:
                self._starting = asyncio.create_task(self._start(request))
                self._starting.add_done_callback(self._started)
            task = self._starting
            await asyncio.wait({task})  # who gives up waiting does not end it
            if task.cancelled():
                raise RunnerError(
                    "service_stopped", f"The {self.name} was stopped while it started."
                )
            task.result()
        self._rest()
        return self.status()

    def _started(self, task: asyncio.Task[None]) -> None:
        if self._starting is task:
            self._starting = None
        if not task.cancelled():
            task.exception()  # was told as an event, also where nobody waits any more

    async def _start(self, request: ServiceStart) -> None:
        begun = time.monotonic()
        self._output.forget()
        try:
            await self.begin(request)
        except RunnerError as error:
            await self._end()
            self._become("failed", _words(error.message, error.detail))
            raise
        except OSError as error:
            await self._end()
            self._become("failed", str(error))
            raise self._failure(f"{error}.") from error
        except BaseException:
            await self._end()
            raise
        self._ms = round((time.monotonic() - begun) * 1000)
        self._become("ready")
        self._tending = asyncio.create_task(self._tend())
        self._rest()

    async def _tend(self) -> None:
        try:
            await self.tend()
        except RunnerError as error:
            _log.info("service_broke", service=self.name, error=error.message)
        await self._output.settled()
        said = self._output.text()
        self._still()
        await self._end()
        self._tending = None
        if self._stopping is None:
            self._become("failed", _words("It ended by itself.", said))

    # ── stopping ─────────────────────────────────────────────────────────────────────────────

    async def stop(self, detail: str | None = None) -> None:
        """Stop it; return when it has ended."""
        if self._stopping is None:
            if self._state in ("stopped", "failed") and self._starting is None:
                return
            self._stopping = asyncio.create_task(self._stop(detail))
        await asyncio.shield(self._stopping)

    async def _stop(self, detail: str | None) -> None:
        self._still()
        try:
            self._become("stopping", detail)
            for task in (self._starting, self._tending):
                if task is not None:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
            self._tending = None
            await self._end()
        finally:
            self._stopping = None
            self._become("stopped", detail)

    async def close(self) -> None:
        """Stop it for good."""
        await self.stop()
        self._output.close()

    async def _end(self) -> None:
        """End its programs, the newest first, each with all that it started."""
        while self._running:
            await processes.end(self._running[-1], GRACE_SECONDS)
            self._running.pop()

    # ── use ──────────────────────────────────────────────────────────────────────────────────

    @contextlib.asynccontextmanager
    async def stream(self) -> AsyncGenerator[Streams]:
        """Open a stream to it; while it is open, the service is in use.

        Raises StreamRefused `not_running` where it does not run.
        """
        if self._state != "ready":
            raise StreamRefused("not_running", f"The {self.name} is {self._state}.")
        with self.used():
            try:
                reader, writer = await self.connect()
            except OSError as error:
                raise StreamRefused("not_running", f"The {self.name} does not answer.") from error
            try:
                yield reader, writer
            finally:
                writer.close()

    @contextlib.contextmanager
    def used(self) -> Generator[None]:
        """Count one more who uses it, while the block runs."""
        self.connections += 1
        self._still()
        try:
            yield
        finally:
            self.connections -= 1
            self._rest()

    @property
    def idle_seconds(self) -> float:
        """How long it may be unused before it is stopped."""
        return self._idle_seconds

    @idle_seconds.setter
    def idle_seconds(self, seconds: float) -> None:
        self._idle_seconds = seconds
        self._rest()

    def _still(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _rest(self) -> None:
        """Count anew how long nobody uses it."""
        self._still()
        if self._state == "ready" and not self.connections:
            loop = asyncio.get_running_loop()
            self._idle = loop.call_later(self._idle_seconds, self._unused)

    def _unused(self) -> None:
        self._idle = None
        if self._state == "ready" and not self.connections and self._stopping is None:
            self._stopping = asyncio.create_task(self._stop(UNUSED))


def _words(message: str, detail: str | None) -> str:
    return f"{message}\n{detail}" if detail else message
