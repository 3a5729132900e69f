"""Getting ready: the workspace is made and the agent started at the same time, in stages."""

import asyncio
import io
import time
from collections.abc import Coroutine
from typing import Any

import structlog

from bunkhouse_protocol.events import Stage, StageName
from bunkhouse_protocol.link import SessionSpec
from bunkhouse_runner.agents.base import Agent, Emit
from bunkhouse_runner.errors import AgentFailed, RunnerError
from bunkhouse_runner.provisioning import Provision
from bunkhouse_runner.workspace import Workspace

AGENT_SECONDS = 120.0
"""How long the agent may take to start, and again to begin; its calls have closer limits."""
_ATTEMPTS = 2
_GIVEN_UP_SECONDS = 5.0
"""How long what hung may take to end."""

_log = structlog.get_logger("bunkhouse.runner.setup")


class _Hangs(Exception):
    """It takes longer than it may."""


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

    def __init__(
        self,
        workspace: Workspace,
        agent: Agent,
        emit: Emit,
        *,
        provision: Provision | None = None,
        agent_seconds: float = AGENT_SECONDS,
    ) -> None:
        """`provision`: None: repositories have no settings of their own."""
        self._workspace = workspace
        self._agent = agent
        self._emit = emit
        self._provision = provision
        self._agent_seconds = agent_seconds
        self._started: tuple[SessionSpec, dict[str, str]] | None = None
        """What the running agent was started with: its specification, and its environment."""

    async def run(self, spec: SessionSpec) -> bool:
        """Get ready; False: it failed, and an `error` event says why. May be cancelled."""
        made = asyncio.create_task(self._make_workspace(spec))
        agent = asyncio.create_task(self._start_agent(spec, made))
        commands = asyncio.create_task(self._run_commands(made))
        try:
            await asyncio.wait({made, agent, commands})
        finally:
            for task in (made, agent, commands):
                task.cancel()
            await asyncio.gather(made, agent, commands, return_exceptions=True)
        return made.result() and agent.result()

    async def _make_workspace(self, spec: SessionSpec) -> bool:
        if self._workspace.ready:
            await self._workspace.prepare(spec, lambda _text, _part: None)
            await self._decide(spec)
            return True
        stage = _Stage("clone", self._emit)
        try:
            if self._provision is not None:
                self._provision.begin_anew()
            made = await self._workspace.prepare(spec, stage.progress)
        except Exception as error:
            stage.failed(error)
            return False
        at = f" at {made.base[:10]}" if made.base else ""
        stage.done(f"{made.branch or 'a detached head'}{at}" if made.url else "a new, empty one")
        await self._decide(spec)
        return True

    async def _decide(self, spec: SessionSpec) -> None:
        if self._provision is not None:
            try:
                await self._provision.decide(spec)
            except OSError as error:
                _log.error("settings_not_read", error=str(error))

    async def _run_commands(self, workspace: asyncio.Task[bool]) -> None:
        await asyncio.wait({workspace})
        if self._provision is None or workspace.cancelled() or not workspace.result():
            return
        try:
            await self._provision.run()
        except Exception as error:
            _Stage("commands", self._emit).failed(error)

    async def _start_agent(self, spec: SessionSpec, workspace: asyncio.Task[bool]) -> bool:
        stage = _Stage("agent", self._emit)
        try:
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    await self._bring_up(spec, workspace, stage)
                    break
                except _Hangs:
                    self._started = None
                    if attempt == _ATTEMPTS:
                        raise self._hung() from None
                    stage.progress("The agent hangs; it is started again.")
        except Exception as error:
            self._started = None
            stage.failed(error)
            return False
        stage.done(None if workspace.result() else "It runs, and waits for the workspace.")
        return True

    async def _bring_up(
        self, spec: SessionSpec, workspace: asyncio.Task[bool], stage: _Stage
    ) -> None:
        await self._start(spec)
        if not workspace.done():
            stage.pause()
            stage.progress("The agent runs; it waits for the workspace.")
            await asyncio.wait({workspace})
            stage.resume()
        if workspace.result():
            await self._start(spec)  # its environment may be another than before the clone
            await self._within(self._agent.begin())

    async def _start(self, spec: SessionSpec) -> None:
        """Start the agent, or again where it runs with something else."""
        variables = dict(self._provision.variables) if self._provision else {}
        if self._started is not None:
            before, environment = self._started
            if _same_for_agent(before, spec) and environment == variables:
                return
        await self._within(self._agent.close())
        self._started = None
        await self._within(self._agent.start(spec, self._workspace.path))
        self._started = spec, variables

    async def _within(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something for as long as it may take. Raises `_Hangs`, whatever becomes of it then."""
        task = asyncio.create_task(work)
        try:
            await asyncio.wait({task}, timeout=self._agent_seconds)
            if task.done():
                return await task
            where = io.StringIO()
            task.print_stack(file=where)
            _log.error("agent_hangs", where=where.getvalue())
            raise _Hangs
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=_GIVEN_UP_SECONDS)

    def _hung(self) -> AgentFailed:
        return AgentFailed(
            "agent_failed",
            f"The agent did not come up within {self._agent_seconds:g} s, twice.",
            remedy="Try again; the machine may be overloaded.",
        )


def _same_for_agent(one: SessionSpec, other: SessionSpec) -> bool:
    apart = {"repository": None, "set_up": None, "config_bytes": 0}
    return one.model_copy(update=apart) == other.model_copy(update=apart)


def _unknown(name: StageName, error: Exception) -> RunnerError:
    _log.error("setup_broke", stage=name, exc_info=error)
    what = {"agent": "The agent can't be started", "commands": "The set-up can't be run"}.get(
        name, "The workspace can't be made"
    )
    return AgentFailed(f"{name}_failed", f"{what}: {error!r}", remedy="Try again.")
