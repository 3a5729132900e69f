"""The conductor: puts the parts of the runner together, and carries out the hub's commands."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from bunkhouse_protocol.link import (
    Dial,
    PauseCommand,
    PermissionCommand,
    PromptCommand,
    QuestionCommand,
    Ready,
    RewindCommand,
    SessionSpec,
    SetupCommand,
    SteerCommand,
    StopCommand,
    Welcome,
)
from bunkhouse_protocol.places import (
    DOORS_PREFIX,
    GATEWAY_SOCKET,
    HUB_PORT,
    STATE_DIR,
    STREAMS_SOCKET,
    WORKSPACE,
)
from bunkhouse_runner import gateway, git, provisioning, services, streams
from bunkhouse_runner.agents.base import AgentContext, AgentFactory
from bunkhouse_runner.attachments import Attachments
from bunkhouse_runner.byte_streams import ByteStreams
from bunkhouse_runner.drive import Drive
from bunkhouse_runner.errors import AgentFailed, RunnerError
from bunkhouse_runner.hub import Hub, HubPort
from bunkhouse_runner.link import Link
from bunkhouse_runner.outbox import Outbox
from bunkhouse_runner.pictures import Pictures
from bunkhouse_runner.processes import Account
from bunkhouse_runner.pulse import Pulse
from bunkhouse_runner.rewinding import Rewinding
from bunkhouse_runner.setup import Setup
from bunkhouse_runner.spool import Drawer, Spool
from bunkhouse_runner.surroundings import Bare, MakeSurroundings
from bunkhouse_runner.terminals import Terminals
from bunkhouse_runner.turns import Desk, Turns
from bunkhouse_runner.workspace import Workspace

_log = structlog.get_logger("bunkhouse.runner")

PUT_DOWN_SECONDS = 5.0
"""Of the time that the sandbox has to stop."""
LAST_WORDS_SECONDS = 3.0
"""The same, for the hub to take what was told meanwhile."""
SETTLE_SECONDS = 1.0
"""After a failed set-up, a new connection may bring the order to try again: say nothing before."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a runner keeps and finds things; the defaults are those of a sandbox."""

    state: Path = Path(STATE_DIR)
    workspace: Path = Path(WORKSPACE)
    gateway: Path = Path(GATEWAY_SOCKET)
    streams: Path = Path(STREAMS_SOCKET)
    hub_port: int = HUB_PORT


class Runner:
    """One session's runner."""

    def __init__(
        self,
        hub: Hub,
        token: str,
        account: Account,
        make_agent: AgentFactory,
        *,
        session: str | None = None,
        places: Places | None = None,
        make_surroundings: MakeSurroundings = Bare,
        make_terminals: Callable[[Account, Path], Terminals] = Terminals,
        beside: Callable[[Hub], AbstractAsyncContextManager[None]] = services.running,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`session`: the id of the session that the sandbox is for, where that is known.

        `clock`: by which the silence of a turn is measured, in seconds.
        """
        self._hub = hub
        self._token = token
        self._session = session
        self._account = account
        self._make_agent = make_agent
        self._make_surroundings = make_surroundings
        self._make_terminals = make_terminals
        self._places = places or Places()
        self._beside = beside
        self._clock = clock
        self._tasks: set[asyncio.Task[Any]] = set()
        self._spec: SessionSpec | None = None
        self._setting_up: asyncio.Task[None] | None = None
        self._ready: bool | None = None
        """None: not known yet; else whether setting up went well."""
        self._may_tell_failure = True

    async def run(self) -> None:
        """Serve until cancelled.

        Raises an ExceptionGroup; `Unauthorized` in it means that the hub wants no more of us.
        """
        async with contextlib.AsyncExitStack() as stack:
            port = HubPort(self._hub)
            number = await port.start(self._places.hub_port)
            stack.push_async_callback(port.stop)
            await stack.enter_async_context(self._beside(self._hub))
            self._assemble(f"http://127.0.0.1:{number}{DOORS_PREFIX}")
            stack.callback(self._spool.close)
            linked: list[asyncio.Task[None]] = []
            stack.push_async_callback(self._say_last_words, linked)
            stack.push_async_callback(self._agent.close)
            stack.push_async_callback(self._cancel)
            await self._open_sockets(stack)
            self._turns.recover()
            self._provision.commands.recover()
            self._on_command()
            linked.append(asyncio.create_task(self._link.run()))
            # None ends by itself: when one breaks, it is better to start anew.
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._turns.run())
                    group.create_task(_as_long_as(linked[0]))
                    group.create_task(self._pictures.run())
            finally:
                self._link.retire()

    async def _say_last_words(self, linked: list[asyncio.Task[None]]) -> None:
        """Tell the hub how everything was ended, and only then leave it."""
        self._outbox.flush()
        for link in linked:
            await self._link.finish(LAST_WORDS_SECONDS)
            link.cancel()
            await asyncio.gather(link, return_exceptions=True)

    async def _put_down_terminals(self) -> None:
        """Keep how the terminals look for whoever starts the sandbox again."""
        try:
            async with asyncio.timeout(PUT_DOWN_SECONDS):
                await self._terminals.put_down(Drawer(self._spool, "terminals"))
        except (RunnerError, OSError, sqlite3.Error, TimeoutError) as error:
            _log.warning("terminals_not_kept", error=repr(error))

    async def _take_up_terminals(self) -> None:
        try:
            await self._terminals.take_up(Drawer(self._spool, "terminals"))
        except (RunnerError, OSError, sqlite3.Error, ValueError, TypeError) as error:
            _log.warning("terminals_not_opened_again", error=repr(error))

    async def _open_sockets(self, stack: contextlib.AsyncExitStack) -> None:
        await self._take_up_terminals()
        stack.push_async_callback(self._terminals.close)
        await self._surroundings.start()
        stack.push_async_callback(self._surroundings.close)
        streaming = ByteStreams(self._surroundings, self._places.streams)
        await streaming.start()
        stack.push_async_callback(streaming.stop)
        sandbox = gateway.Sandbox(
            account=self._as_agent,
            changes=self._workspace.changes,
            handover=self._drive.handover,
            publish=self._workspace.publish,
            set_up=self._set_up_again,
            surroundings=self._surroundings,
            terminals=self._terminals,
        )
        served = gateway.Gateway(gateway.app(sandbox), self._places.gateway)
        await served.start()
        stack.push_async_callback(served.stop)
        # Before anything else ends, and so the last to be pushed.
        stack.push_async_callback(self._put_down_terminals)

    def _assemble(self, doors_url: str) -> None:
        self._spool = Spool(self._places.state / "spool.db", self._session)
        if self._spool.copied:
            git.forget_token(self._account)
        self._outbox = Outbox(self._spool)
        self._workspace = Workspace(
            self._places.workspace,
            self._account,
            Drawer(self._spool, "workspace"),
            token=self._token,
            doors_url=doors_url,
        )
        self._pictures = Pictures(self._hub, self._places.state / "blobs", lost=self._outbox.emit)
        self._desk = Desk(self._outbox, self._spool, Pulse(self._clock))
        # What the runner itself runs is not to be led astray by a repository's variables.
        variables: dict[str, str] = {}
        self._as_agent = replace(self._account, variables=variables)
        self._provision = provisioning.of(
            self._hub,
            self._outbox.emit,
            Drawer(self._spool, "setup"),
            as_runner=self._account,
            as_agent=self._as_agent,
            workspace=self._workspace.path,
            variables=variables,
            keep_text=self._pictures.keep_text,
            base=lambda: self._workspace.beginning.base if self._workspace.beginning else None,
        )
        self._agent = self._make_agent(
            AgentContext(
                emit=self._desk.emit,
                memory=Drawer(self._spool, "agent"),
                account=self._as_agent,
                doors_url=doors_url,
                token=self._token,
                keep=self._pictures.keep,
                keep_text=self._pictures.keep_text,
            )
        )
        self._setup = Setup(
            self._workspace, self._agent, self._outbox.emit, provision=self._provision
        )
        self._drive = Drive(self._outbox, self._spool, self._workspace.path, self._account)
        self._rewinding = Rewinding(
            self._outbox, self._spool, self._agent, self._workspace.path, self._account
        )
        self._turns = Turns(
            self._agent,
            self._desk,
            self._outbox,
            self._spool,
            self._workspace,
            drive=self._drive,
            rewinding=self._rewinding,
            fetch=Attachments(self._hub).fetch,
        )
        self._turns.may_run = lambda: self._ready is True and not self._provision.commands.running
        self._turns.notes = self._provision.commands
        self._turns.may_drive = lambda: self._ready is not None
        around = self._outbox.emit, self._as_agent, self._workspace.path
        self._surroundings = self._make_surroundings(*around)
        self._terminals = self._make_terminals(self._as_agent, self._workspace.path)
        self._link = Link(
            self._hub,
            self._spool,
            on_welcome=self._on_welcome,
            on_command=self._on_command,
            on_dial=self._on_dial,
            ready=self._say_ready,
        )
        self._outbox.written = self._link.wake

    def _spawn(self, job: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("task_broke", exc_info=error)

    async def _cancel(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ── what the link calls ──────────────────────────────────────────────────────────────────

    def _on_welcome(self, welcome: Welcome) -> None:
        spec = welcome.session
        self._pictures.wake()
        self._take_limits(spec)
        if welcome.turns is not None:
            self._turns.only(welcome.turns)
        if self._spec is None:
            self._set_up(spec)
        elif self._ready is False:
            self._may_tell_failure = False
            asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._tell_failure)

    def _take_limits(self, spec: SessionSpec) -> None:
        self._surroundings.set_idle(spec.service_idle_seconds)
        self._desk.pulse.seconds = spec.turn_stall_seconds
        self._desk.pulse.tool_seconds = spec.tool_stall_seconds
        self._provision.commands.set_limits(spec.output_bytes, spec.whole_output_bytes)

    def _tell_failure(self) -> None:
        self._may_tell_failure = True
        self._link.announce()

    def _say_ready(self) -> Ready | None:
        if self._ready is None or (not self._ready and not self._may_tell_failure):
            return None
        made = self._workspace.beginning
        return Ready(
            ok=self._ready,
            base_commit=made.base if made else None,
            branch=made.branch if made else None,
            running_turn=self._turns.running,
        )

    def _on_dial(self, dial: Dial) -> None:
        places = {"gateway": self._places.gateway, "streams": self._places.streams}
        self._spawn(streams.serve(self._hub, places[dial.socket], dial.stream_id))

    def _on_command(self) -> None:
        for waiting in self._spool.waiting():
            if isinstance(waiting.command, PromptCommand):
                self._turns.wake()  # it stays in the spool until its turn begins
                continue
            if isinstance(waiting.command, RewindCommand):
                with self._spool.together():
                    self._rewinding.want(waiting.command)
                    self._spool.take(waiting.id)
                self._turns.wake()
                continue
            if isinstance(waiting.command, PauseCommand):
                with self._spool.together():
                    self._drive.want()
                    self._spool.take(waiting.id)
                self._turns.pause()
                continue
            self._spool.take(waiting.id)
            match waiting.command:
                case StopCommand(turn_id=turn_id):
                    self._provision.commands.stop()
                    if turn_id is not None:
                        self._turns.stop(turn_id)
                case SteerCommand() as steer:
                    self._turns.steer(steer)
                case SetupCommand(session=spec):
                    self._take_limits(spec)
                    self._provision.commands.forget_failure()
                    self._set_up(spec)
                case PermissionCommand() as answer:
                    self._spawn(self._answer(self._desk.permission(self._agent, answer)))
                case QuestionCommand() as answer:
                    self._spawn(self._answer(self._desk.question(self._agent, answer)))

    async def _answer(self, passing_on: Coroutine[Any, Any, None]) -> None:
        try:
            await passing_on
        except AgentFailed as error:
            self._outbox.emit(error.problem())

    # ── setting up ───────────────────────────────────────────────────────────────────────────

    def _set_up(self, spec: SessionSpec) -> None:
        running = self._setting_up
        if running is not None and not running.done() and spec == self._spec:
            return
        if self._ready and self._workspace.serves(spec):
            self._link.announce()
            return
        self._spec = spec
        self._ready = None
        self._setting_up = self._spawn(self._run_set_up(spec, running))

    async def _set_up_again(self) -> None:
        """Have the set-up commands run again; prompts wait for their end.

        Raises:
            RunnerError: `busy`, `nothing_to_set_up`.
        """
        if not self._ready or self._provision.commands.running or self._turns.running is not None:
            raise RunnerError(
                "busy", "The sandbox is at work.", remedy="Wait until it is idle, or stop the turn."
            )
        if not self._provision.decided.commands:
            raise RunnerError(
                "nothing_to_set_up", "This session's repository has no set-up commands."
            )
        running = self._spawn(self._provision.run_again())
        running.add_done_callback(lambda _: self._turns.wake())

    async def _run_set_up(self, spec: SessionSpec, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            before.cancel()
            await asyncio.gather(before, return_exceptions=True)
            if not self._workspace.serves(spec):
                self._workspace.forget()
        ok = await self._setup.run(spec)
        self._outbox.flush()
        self._ready = ok
        self._may_tell_failure = True
        self._link.announce()
        self._turns.wake()


async def _as_long_as(task: asyncio.Task[None]) -> None:
    """Last as long as the task, and end as it does; to be cancelled leaves it alone."""
    await asyncio.shield(task)
