"""Getting ready: the workspace is made and the agent started at the same time, in stages."""

import asyncio
import time

import structlog

from bunkhouse_protocol.events import Stage, StageName
from bunkhouse_protocol.link import SessionSpec
from bunkhouse_runner.agents.base import Agent, Emit
from bunkhouse_runner.errors import AgentFailed, RunnerError
from bunkhouse_runner.workspace import Workspace

_log = structlog.get_logger("bunkhouse.runner.setup")


class _Stage:
    """Tells of one stage, and measures the time that it works itself."""

    def __init__(self, name: StageName, emit: Emit) -> None:
        self._name: StageName = name
        self._emit = emit
        self._spent = 0.0
        self._since = time.monotonic()
        self._emit(Stage(name=name, status="started"))

    def progress(self, detail: str, progress: float | None = None) -> None:
        self._emit(Stage(name=self._name, status="progress", detail=detail, progress=progress))

    def pause(self) -> None:
        self._spent += time.monotonic() - self._since

    def resume(self) -> None:
        self._since = time.monotonic()

    def done(self, detail: str | None = None) -> None:
        self._emit(Stage(name=self._name, status="done", detail=detail, ms=self._ms()))

    def failed(self, error: Exception) -> None:
        known = error if isinstance(error, RunnerError) else _unknown(self._name, error)
        self._emit(known.problem())
        self._emit(Stage(name=self._name, status="failed", detail=known.message, ms=self._ms()))

    def _ms(self) -> int:
        return round((self._spent + time.monotonic() - self._since) * 1000)


class Setup:
    """Makes a session's workspace and agent; can be run again after it failed."""

    def __init__(self, workspace: Workspace, agent: Agent, emit: Emit) -> None:
        self._workspace = workspace
        self._agent = agent
        self._emit = emit
        self._started: SessionSpec | None = None
        """What the running agent was started with."""

    async def run(self, spec: SessionSpec) -> bool:
        """Get ready; False: it failed, and an `error` event says why. May be cancelled."""
        made = asyncio.create_task(self._make_workspace(spec))
        agent = asyncio.create_task(self._start_agent(spec, made))
        try:
            await asyncio.wait({made, agent})
        finally:
            for task in (made, agent):
                task.cancel()
            await asyncio.gather(made, agent, return_exceptions=True)
        return made.result() and agent.result()

    async def _make_workspace(self, spec: SessionSpec) -> bool:
        if self._workspace.ready:
            await self._workspace.prepare(spec, lambda _text, _part: None)
            return True
        stage = _Stage("clone", self._emit)
        try:
            made = await self._workspace.prepare(spec, stage.progress)
        except Exception as error:
            stage.failed(error)
            return False
        at = f" at {made.base[:10]}" if made.base else ""
        stage.done(f"{made.branch or 'a detached head'}{at}" if made.url else "a new, empty one")
        return True

    async def _start_agent(self, spec: SessionSpec, workspace: asyncio.Task[bool]) -> bool:
        stage = _Stage("agent", self._emit)
        try:
            if self._started is None or not _same_for_agent(self._started, spec):
                await self._agent.close()
                self._started = None
                await self._agent.start(spec, self._workspace.path)
                self._started = spec
            if not workspace.done():
                stage.pause()
                stage.progress("The agent runs; it waits for the workspace.")
                await asyncio.wait({workspace})
                stage.resume()
            if not workspace.result():
                stage.done("It runs, and waits for the workspace.")
                return True
            await self._agent.begin()
        except Exception as error:
            self._started = None
            stage.failed(error)
            return False
        stage.done()
        return True


def _same_for_agent(one: SessionSpec, other: SessionSpec) -> bool:
    apart = {"repository": None}
    return one.model_copy(update=apart) == other.model_copy(update=apart)


def _unknown(name: StageName, error: Exception) -> RunnerError:
    _log.error("setup_broke", stage=name, exc_info=error)
    what = "The agent can't be started" if name == "agent" else "The workspace can't be made"
    return AgentFailed(f"{name}_failed", f"{what}: {error!r}", remedy="Try again.")
