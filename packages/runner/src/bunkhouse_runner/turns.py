"""Turns: one after the other, each ended exactly once, whatever happens to the agent or to us."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import structlog

from bunkhouse_protocol.events import (
    Attachment,
    Event,
    PermissionRequested,
    PermissionResolved,
    Problem,
    QuestionAsked,
    QuestionResolved,
    ToolCall,
    ToolCallUpdate,
    TurnEnded,
    WorkspaceChanged,
)
from bunkhouse_protocol.link import (
    CommitIdentity,
    PermissionCommand,
    PromptCommand,
    QuestionCommand,
    SteerCommand,
)
from bunkhouse_runner.agents.base import Agent, AttachedFile, TurnResult
from bunkhouse_runner.drive import Drive
from bunkhouse_runner.errors import AgentFailed, WorkspaceUnreadable
from bunkhouse_runner.outbox import Outbox
from bunkhouse_runner.pulse import STALLED, Pulse, Stall
from bunkhouse_runner.rewinding import Rewinding
from bunkhouse_runner.spool import Spool, Waiting
from bunkhouse_runner.workspace import Workspace

_log = structlog.get_logger("bunkhouse.runner.turns")

STOP_SECONDS = 10.0
"""How long an agent may take to end a turn that is stopped."""

SILENCE_SECONDS = 5.0
"""A turn that is to be paused has so long to take its prompt, if nothing is heard of it: else the
agent would never know what it was asked."""

_FINAL = ("completed", "failed")

Fetch = Callable[[Sequence[Attachment]], Awaitable[list[AttachedFile]]]
"""Gets the bytes of files; raises `AgentFailed` where they can't be had."""


class Desk:
    """Where an agent's events come in: keeps in mind what is open, and completes answers."""

    def __init__(self, outbox: Outbox, spool: Spool, pulse: Pulse) -> None:
        self._outbox = outbox
        self.pulse = pulse
        self._answering: dict[str, str] = {}
        stored = spool.get("open_tools")
        self._tools: list[str] = json.loads(stored) if stored else []
        self._waiting: dict[str, str | None] = {}
        """What was asked, and the tool call that waits for the answer."""
        self.heard: Callable[[], None] = lambda: None
        """Called after each event of the agent."""

    @property
    def at_rest(self) -> bool:
        """Whether no tool runs: those that wait for a person's answer don't."""
        if not self._tools or None in self._waiting.values():
            return True
        return set(self._tools) <= set(self._waiting.values())

    def emit(self, event: Event) -> None:
        """Take an event of the agent."""
        self._take(event)
        self.pulse.beat(event, tools=bool(self._tools), asked=bool(self._waiting))
        self.heard()

    def _take(self, event: Event) -> None:
        match event:
            case PermissionRequested() | QuestionAsked():
                self._waiting[event.request_id] = event.tool_call_id
            case PermissionResolved() | QuestionResolved():
                if event.request_id not in self._waiting:
                    return
                del self._waiting[event.request_id]
                by = event.by or self._answering.get(event.request_id)
                event = event.model_copy(update={"by": by})
            case ToolCall() | ToolCallUpdate():
                self._tool(event)
                return
            case _:
                pass
        self._outbox.emit(event)

    def _tool(self, event: ToolCall | ToolCallUpdate) -> None:
        is_open = event.tool_call_id in self._tools
        if event.status in _FINAL and is_open:
            self._tools.remove(event.tool_call_id)
        elif isinstance(event, ToolCall) and event.status not in _FINAL and not is_open:
            self._tools.append(event.tool_call_id)
        else:
            self._outbox.emit(event)
            return
        self._outbox.record(event, {"open_tools": json.dumps(self._tools)})

    async def permission(self, agent: Agent, command: PermissionCommand) -> None:
        """Pass an answer on, and say that it was given."""
        self._answering[command.request_id] = command.by
        reply = command.reply
        try:
            taken = await agent.answer_permission(command.request_id, reply, command.message)
        finally:
            self._answering.pop(command.request_id, None)
        self.emit(
            PermissionResolved(
                request_id=command.request_id, reply=reply if taken else "void", by=command.by
            )
        )

    async def question(self, agent: Agent, command: QuestionCommand) -> None:
        """Pass answers on, and say that they were given."""
        self._answering[command.request_id] = command.by
        try:
            taken = await agent.answer_question(command.request_id, command.answers)
        finally:
            self._answering.pop(command.request_id, None)
        answers = command.answers if taken else None
        self.emit(QuestionResolved(request_id=command.request_id, answers=answers, by=command.by))

    def clear(self, ended: TurnEnded) -> None:
        """End a turn: what it left running has failed; what it asked is void, as the hub says."""
        self._waiting.clear()
        for tool_call_id in self._tools:
            self._outbox.emit(
                ToolCallUpdate(
                    tool_call_id=tool_call_id,
                    status="failed",
                    error="The turn ended before this was done.",
                )
            )
        self._tools.clear()
        self._outbox.record(ended, {"turn": None, "open_tools": None})

    def stalled(self, stall: Stall) -> None:
        """Say that nothing was heard of the running turn, and what was heard last."""
        self._outbox.emit(Problem(code=STALLED, message=stall.message, remedy=stall.remedy))


class Notes(Protocol):
    """What the agent is to be told beside a prompt."""

    @property
    def note(self) -> str | None:
        """It, in words; None: there is nothing, or it was told."""
        ...

    def told(self) -> None:
        """The agent has it."""
        ...


class Turns:
    """Runs the prompts that the spool holds, when the agent is ready."""

    def __init__(
        self,
        agent: Agent,
        desk: Desk,
        outbox: Outbox,
        spool: Spool,
        workspace: Workspace,
        *,
        drive: Drive,
        rewinding: Rewinding,
        fetch: Fetch,
    ) -> None:
        self._agent = agent
        self._desk = desk
        self._outbox = outbox
        self._spool = spool
        self._workspace = workspace
        self._drive = drive
        self._rewinding = rewinding
        self._fetch = fetch
        self._desk.heard = self._heard
        self._changed = asyncio.Event()
        self._prompt: asyncio.Task[TurnResult] | None = None
        self._running: str | None = None
        self._spoke = asyncio.Event()
        """The agent was heard in this turn: it has the prompt."""
        self._fetching = False
        """The agent has not got the turn's prompt: things are made ready for it."""
        self._steering = asyncio.Lock()
        self._ending: Literal["stopped", "paused", "stalled"] | None = None
        """How the running turn is being ended."""
        self._looking: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.may_run: Callable[[], bool] = lambda: True
        """Whether workspace and agent are there."""
        self.notes: Notes | None = None
        """What the agent is to be told beside a prompt."""
        self.may_drive: Callable[[], bool] = lambda: True
        """Whether setting up is over, however it went."""

    @property
    def running(self) -> str | None:
        """The turn that is at work, or the one that was received and comes next."""
        if self._running is not None:
            return self._running
        return next((command.turn_id for _, command in self._prompts()), None)

    def only(self, known: Sequence[str]) -> None:
        """Drop what the hub ended without us: every turn that it does not know to run."""
        if self._running is not None and self._running not in known:
            _log.warning("turn_not_wanted", turn=self._running)
            self.stop(self._running)
        for waiting, command in self._prompts():
            if command.turn_id not in known:
                self._forget(waiting)

    def recover(self) -> None:
        """End the turn that was lost when the runner ended, if there was one."""
        stored = self._spool.get("turn")
        if stored is None:
            return
        turn = json.loads(stored)
        passed = datetime.now(UTC) - datetime.fromisoformat(turn["at"])
        self._desk.clear(
            TurnEnded(
                turn_id=turn["id"],
                outcome="failed",
                code="runner_restarted",
                message="The sandbox was restarted while the agent was at work. Its files are "
                "kept; send the prompt again, or ask the agent to go on.",
                ms=round(passed.total_seconds() * 1000),
            )
        )

    def wake(self) -> None:
        """Tell that there may be something to do."""
        self._changed.set()

    async def run(self) -> None:
        """Run turns until cancelled."""
        try:
            while True:
                self._changed.clear()
                prompts = self._prompts()
                if self._rewinding.wanted and self.may_run():
                    await self._rewinding.carry_out()
                    self._look_soon()
                elif prompts and self.may_run():
                    await self._turn(*prompts[0])
                elif self._drive.wanted and self.may_drive():
                    await self._drive.begin()
                else:
                    await self._changed.wait()
        finally:
            pending: list[asyncio.Task[Any]] = [
                task for task in (self._prompt, self._looking, *self._tasks) if task
            ]
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    def stop(self, turn_id: str) -> None:
        """End a turn, whether it runs or waits; nothing happens if it is another or none."""
        if turn_id == self._running and self._prompt is not None:
            self._ending = "stopped"
            self._spawn(self._end(self._prompt, self._agent.stop_turn))
            return
        for waiting, command in self._prompts():
            if command.turn_id == turn_id:
                self._spool.take(waiting.id)
                self._outbox.emit(TurnEnded(turn_id=turn_id, outcome="stopped", ms=0))

    def steer(self, command: SteerCommand) -> None:
        """Give the agent another prompt in the turn that runs; nothing happens if it is over."""
        if command.turn_id == self._running and self._prompt is not None:
            self._spawn(self._steer(command, self._prompt))

    async def _steer(self, command: SteerCommand, turn: asyncio.Task[TurnResult]) -> None:
        async with self._steering:  # one after the other, as they were sent
            has_prompt = asyncio.create_task(self._spoke.wait())
            await asyncio.wait({has_prompt, turn}, return_when=asyncio.FIRST_COMPLETED)
            has_prompt.cancel()
            try:
                files = await self._fetch(command.attachments)
            except AgentFailed as error:
                _log.warning("not_steered", prompt=command.prompt_id, why=error.message)
                return  # it fails as a turn of its own, and says why
            if self._prompt is not turn or self._ending is not None:
                return
            steered = await self._agent.steer(command.prompt_id, command.text, command.model, files)
        _log.info("steered", prompt=command.prompt_id, turn=command.turn_id, how=steered)
        if steered == "stop":
            self.stop(command.turn_id)

    def pause(self) -> None:
        """A person wants to drive (`Drive.want`): end the running turn when no tool runs."""
        self._pause_at_rest()
        self.wake()

    def _heard(self) -> None:
        self._spoke.set()
        self._pause_at_rest()

    def _pause_at_rest(self) -> None:
        if (
            self._prompt is None
            or self._ending
            or not (self._spoke.is_set() and self._desk.at_rest)
        ):
            return
        if self._drive.wanted:
            self._ending = "paused"
            self._spawn(self._end(self._prompt, self._agent.pause_turn))

    def _waited(self) -> None:
        """The agent may be silent since nothing answers it: it has had time to take the prompt."""
        self._spoke.set()
        self._pause_at_rest()

    def _spawn(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end(
        self, prompt: asyncio.Task[TurnResult], by: Callable[[], Awaitable[None]]
    ) -> None:
        if self._fetching:
            prompt.cancel()
            return
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await by()
                await asyncio.wait({prompt})
        except (TimeoutError, AgentFailed):
            prompt.cancel()

    async def _turn(self, waiting: Waiting, command: PromptCommand) -> None:
        self._running = command.turn_id
        began = time.monotonic()
        self._sign(command.author, turn=True)
        try:
            with self._spool.together():
                self._spool.take(waiting.id)
                at = datetime.now(UTC).isoformat()
                self._spool.set("turn", json.dumps({"id": command.turn_id, "at": at}))
            result = await self._result(command)
        except sqlite3.Error as error:
            _log.error("spool_unwritable", error=str(error))
            # It must not begin: after a restart nobody would know of it.
            result = _failed("storage_full", "The sandbox's disk is full.")
            self._forget(waiting)
        ended = TurnEnded(
            turn_id=command.turn_id,
            outcome=self._outcome(result),
            message=result.message,
            code=result.code,
            ms=round((time.monotonic() - began) * 1000),
            input_tokens=result.input_tokens,
            output_tokens=result.output_tokens,
            cost=result.cost,
        )
        self._desk.clear(ended)
        self._running = None
        self._sign(None, turn=False)
        self._look_soon()

    def _sign(self, author: CommitIdentity | None, *, turn: bool) -> None:
        try:
            self._workspace.sign(author, turn=turn)
        except OSError as error:
            # Commits go by the name of before; the hub sees to it that it is one of the session's.
            _log.error("not_signed", error=str(error))

    def _look_soon(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        self._looking = asyncio.create_task(self._look())

    def _outcome(self, result: TurnResult) -> Literal["done", "failed", "stopped", "paused"]:
        paused = result.outcome == "stopped" and self._ending == "paused"
        return "paused" if paused else result.outcome

    async def _result(self, command: PromptCommand) -> TurnResult:
        self._ending = None
        self._spoke.clear()
        self._desk.pulse.begin()
        prompt = self._prompt = asyncio.create_task(self._work(command))
        watch = asyncio.create_task(self._desk.pulse.stopped())
        try:
            await asyncio.wait({prompt, watch}, return_when=asyncio.FIRST_COMPLETED)
            stall = None if prompt.done() or self._ending else watch.result()
            if stall is not None:
                self._ending = "stalled"
                self._desk.stalled(stall)
                await self._end(prompt, self._agent.stop_turn)
            await asyncio.wait({prompt})
        finally:
            self._prompt = None
            prompt.cancel()
            watch.cancel()
        if stall is not None and (prompt.cancelled() or not _done(prompt)):
            return _failed(STALLED, stall.message)
        if prompt.cancelled():
            return TurnResult("stopped")
        error = prompt.exception()
        if error is None:
            return prompt.result()
        if isinstance(error, AgentFailed):
            return _failed(error.code, error.message)
        _log.error("agent_broke", exc_info=error)
        return _failed("agent_failed", f"The agent could not be driven: {error!r}")

    async def _work(self, command: PromptCommand) -> TurnResult:
        self._fetching = True
        try:
            await self._rewinding.before_turn(command.turn_id)
            files = await self._fetch(command.attachments)
        finally:
            self._fetching = False
        waiting = asyncio.get_running_loop().call_later(SILENCE_SECONDS, self._waited)
        note = self.notes.note if self.notes else None
        text = "\n\n".join(part for part in (command.text, note) if part)
        try:
            result = await self._agent.prompt(command.turn_id, text, command.model, files)
        finally:
            waiting.cancel()
        if self.notes and note is not None and result.outcome != "failed":
            self.notes.told()
        return result

    async def _look(self) -> None:
        """Tell what is changed in the workspace, if that is other than before."""
        try:
            found = await self._workspace.changes(limit=0)
        except WorkspaceUnreadable as error:
            _log.warning("changes_unreadable", error=error.message, detail=error.detail)
            return
        except Exception as error:
            _log.error("changes_broke", exc_info=error)
            return
        listed = json.dumps([file.model_dump() for file in found.files])
        before = self._spool.get("changes")
        if listed == ("[]" if before is None else before):
            return
        event = WorkspaceChanged(
            additions=sum(file.additions for file in found.files),
            deletions=sum(file.deletions for file in found.files),
            files=found.files,
        )
        self._outbox.record(event, {"changes": listed})

    def _prompts(self) -> list[tuple[Waiting, PromptCommand]]:
        return [
            (waiting, waiting.command)
            for waiting in self._spool.waiting()
            if isinstance(waiting.command, PromptCommand)
        ]

    def _forget(self, waiting: Waiting) -> None:
        try:
            self._spool.take(waiting.id)
        except sqlite3.Error as error:
            _log.error("spool_unwritable", error=str(error))


def _done(prompt: asyncio.Task[TurnResult]) -> bool:
    return prompt.exception() is None and prompt.result().outcome == "done"


def _failed(code: str, message: str) -> TurnResult:
    return TurnResult("failed", message=message, code=code)
