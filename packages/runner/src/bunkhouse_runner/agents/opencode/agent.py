"""OpenCode as an agent: what fills the port, wired together from the rooms beside."""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import structlog

from bunkhouse_protocol.events import Notice
from bunkhouse_protocol.link import SessionSpec
from bunkhouse_protocol.places import AGENT_PORT
from bunkhouse_runner.agents.base import AgentContext, AttachedFile, Steered, TurnResult
from bunkhouse_runner.agents.opencode import failures, groups, hub_tools, parts, refusing
from bunkhouse_runner.agents.opencode.browser import BrowserTools, installed
from bunkhouse_runner.agents.opencode.client import Refused, Unreachable
from bunkhouse_runner.agents.opencode.config import catalog_model
from bunkhouse_runner.agents.opencode.failures import Failure
from bunkhouse_runner.agents.opencode.host import Host
from bunkhouse_runner.agents.opencode.limits import Limits
from bunkhouse_runner.agents.opencode.listener import Listener
from bunkhouse_runner.agents.opencode.outputs import Outputs
from bunkhouse_runner.agents.opencode.reverting import Reverting
from bunkhouse_runner.agents.opencode.server import Server, find_binary
from bunkhouse_runner.agents.opencode.steering import Steering
from bunkhouse_runner.agents.opencode.turn import Turn
from bunkhouse_runner.errors import AgentFailed
from bunkhouse_runner.processes import groups_below

_log = structlog.get_logger("bunkhouse.runner.opencode")
_SESSION = "session"
"""Key of the memory: OpenCode's id of our session."""
_BAD_REQUEST = 400
_RESTART_PAUSE = 10.0
"""A process that dies sooner after its start than this is started again only by a prompt."""


class OpenCode:
    """See `agents.base.Agent`. `binary` defaults to the `opencode` on the path."""

    def __init__(
        self,
        context: AgentContext,
        *,
        binary: str | None = None,
        port: int = AGENT_PORT,
        limits: Limits | None = None,
        browser: BrowserTools | None = None,
    ) -> None:
        self._context = context
        self._limits = limits or Limits()
        server = Server(binary or find_binary(), context.account, port)
        self._host = Host(context, server, self._limits, self._died, browser or installed())
        self._steering = Steering(context.memory)
        self._reverting = Reverting(context.memory)
        self._listener = Listener(context, self._limits, Path("/"), self._steering, Outputs())
        self._recovering: asyncio.Task[None] | None = None
        self._turn: Turn | None = None
        self._begun = False
        self._stop_wanted = False

    async def start(self, spec: SessionSpec, workspace: Path) -> None:
        """Start OpenCode and, in the background, spend its slow first turn."""
        outputs = Outputs(spec.output_bytes, spec.whole_output_bytes, self._context.keep_text)
        self._listener = Listener(self._context, self._limits, workspace, self._steering, outputs)
        await self._host.start(spec, workspace)

    async def begin(self) -> None:
        """Open OpenCode's session in the workspace, or the one remembered."""
        await self._host.warmed_up()
        await self._host.up()
        self._begun = True
        try:
            await self._open_session()
        except (Refused, Unreachable) as problem:
            raise _broken(problem) from problem

    async def prompt(
        self, turn_id: str, text: str, model: str, files: Sequence[AttachedFile] = ()
    ) -> TurnResult:
        """Run a turn. See the port."""
        self._stop_wanted = False
        if not self._host.offers(model):
            sentence = f"This session has no provider of the model `{model}`: choose another."
            return TurnResult("failed", sentence, "model_not_found")
        try:
            turn = await self._prepare(turn_id, model)
            blind = await self._blind(model, files)
        except AgentFailed as problem:
            return TurnResult("failed", problem.message, problem.code)
        except (Refused, Unreachable) as problem:
            return TurnResult("failed", _broken(problem).message, "agent_failed")
        if blind is not None:
            return TurnResult("failed", blind.message, blind.code)
        _log.info("turn_began", turn=turn_id, session=turn.session)
        turn.stopping = self._stop_wanted
        self._turn = self._listener.turn = turn
        self._steering.begin_turn()
        try:
            said = parts.of_prompt(text, files)
            message = self._reverting.begin_turn(turn_id)
            failure, last = await turn.run(
                self._host.client, said, message, self._context.doors_url
            )
            await self._steering.close_turn()
            shown = parts.pictures(files)
            if shown and failure is not None and turn.refused == _BAD_REQUEST:
                failure = failures.unreadable([file.name for file in shown])
            if turn.stuck:
                await self._end(turn)
            await self._listener.conclude(turn, _why_open(turn))
            await self._tidy(turn, failure)
            if failure is None and last and last["info"].get("finish") == "length":
                said = "The model reached the limit of its answer, which may be cut off."
                self._context.emit(Notice(code="answer_cut", message=said))
            return self._result(turn, failure)
        except asyncio.CancelledError:
            await asyncio.shield(self._end(turn))
            raise
        finally:
            self._turn = self._listener.turn = None
            await self._steering.close_turn()
            await turn.close()

    async def steer(
        self, prompt_id: str, text: str, model: str, files: Sequence[AttachedFile] = ()
    ) -> Steered:
        """Give it a prompt within the turn. See the port."""
        turn = self._turn
        if turn is None or turn.stopping:
            return "later"
        if catalog_model(model) != turn.model:
            return "stop"
        try:
            if parts.pictures(files):
                reads = await self._host.reads_pictures(model)
                if reads is not True:
                    # One that nobody knows could be shown them, but not without a new beginning.
                    return "later" if reads is False else "stop"
            client, said = self._host.client, parts.of_prompt(text, files)
        except (AgentFailed, Refused, Unreachable):
            return "later"
        given = await self._steering.give(client, turn.session, prompt_id, said, turn.model)
        return "given" if given else "later"

    async def stop_turn(self) -> None:
        """Have OpenCode end the turn; if it does not, end OpenCode."""
        self._stop_wanted = True
        turn = self._turn
        if turn is not None:
            turn.stopping = True
            await self._end(turn)

    async def pause_turn(self) -> None:
        """Have OpenCode end the turn, and leave alone what its commands left running."""
        if self._turn is not None:
            self._turn.leaving = True
        await self.stop_turn()

    async def rewind(self, undone: Sequence[str]) -> None:
        """Go back in the conversation, or forward again. See the port."""
        if self._recovering is not None:
            await self._recovering
        try:
            await self._bring_back()
            session = self._listener.translator.session_id
            await self._reverting.rewind(self._host.client, session, undone)
        except (Refused, Unreachable) as problem:
            raise _broken(problem) from problem

    async def answer_permission(
        self, request_id: str, reply: Literal["once", "always", "reject"], message: str | None
    ) -> bool:
        """Pass on an answer. See the port."""
        if request_id not in self._listener.translator.waiting:
            return False
        with contextlib.suppress(Unreachable, AgentFailed):
            return await self._host.client.reply_permission(request_id, reply, message)
        return False

    async def answer_question(self, request_id: str, answers: list[list[str]] | None) -> bool:
        """Pass on answers. See the port."""
        if request_id not in self._listener.translator.waiting:
            return False
        with contextlib.suppress(Unreachable, AgentFailed):
            return await self._host.client.reply_question(request_id, answers)
        return False

    async def close(self) -> None:
        """End everything. See the port."""
        self._begun = False
        recovering, self._recovering = self._recovering, None
        if recovering is not None:
            recovering.cancel()
            await asyncio.gather(recovering, return_exceptions=True)
        await self._listener.close()
        await self._host.close()

    # ── the session ──────────────────────────────────────────────────────────────────────────

    async def _open_session(self) -> None:
        """Open our session, without the repository's own configuration if that is not valid."""
        try:
            await self._listen()
        except Refused as refusal:
            if not refusal.is_about_configuration or not self._host.project_config:
                raise
            self._host.project_config = False
            await self._listener.close()
            await self._host.stop(grace=0)
            await self._host.up()
            await self._listen()
            said = "The repository's own OpenCode configuration is not valid and was left out."
            self._context.emit(Notice(code="project_config_ignored", message=said))

    async def _listen(self) -> None:
        client, memory = self._host.client, self._context.memory
        session = memory.get(_SESSION)
        if session is None or not await client.has_session(session):
            session = await client.create_session("Bunkhouse")
            memory.set(_SESSION, session)
        await self._steering.take_back(client, session)
        await self._listener.open(client, session)

    async def _prepare(self, turn_id: str, model: str) -> Turn:
        """Get all that a turn needs: the process, its session, its model."""
        if self._recovering is not None:
            await self._recovering
        await self._bring_back()
        if await self._host.declare(model):
            await self._open_session()
        session = self._listener.translator.session_id
        await self._steering.take_back(self._host.client, session)
        await self._reach_tools()
        self._listener.translator.begin_turn(turn_id)
        return Turn(
            session=session,
            model=catalog_model(model),
            pid=self._host.pid,
            limits=self._limits,
            translator=self._listener.translator,
        )

    async def _reach_tools(self) -> None:
        """Have the hub's tools, also where the hub was away when OpenCode looked for them."""
        try:
            await self._host.client.connect_server(hub_tools.SERVER)
        except (Refused, Unreachable) as problem:
            _log.warning("hub_tools_not_reached", why=repr(problem))

    async def _blind(self, model: str, files: Sequence[AttachedFile]) -> Failure | None:
        """Say why a model can't be shown these files. One that nobody knows is asked to try."""
        shown = parts.pictures(files)
        if not shown:
            return None
        reads = await self._host.reads_pictures(model)
        if reads is False:
            return failures.blind(model, [file.name for file in shown])
        if reads is None:
            await self._host.show_pictures(model)
            await self._open_session()
        return None

    async def _tidy(self, turn: Turn, failure: Failure | None) -> None:
        """Take out of the conversation what was not read, and what the model can't take."""
        if turn.died.is_set():
            return  # the next process begins with that
        with contextlib.suppress(AgentFailed):
            client, since = self._host.client, self._listener.translator.since
            await self._steering.take_back(client, turn.session)
            if failure is None or failure.code not in failures.INDIGESTIBLE:
                return
            if await refusing.forget_files(client, turn.session, since):
                said = "The files of the prompt that failed were taken out of the conversation."
                self._context.emit(Notice(code="attachments_forgotten", message=said))

    # ── deaths ───────────────────────────────────────────────────────────────────────────────

    def _died(self) -> None:
        """OpenCode ended by itself."""
        _log.warning("agent_died", in_turn=self._turn is not None)
        self._recovering = asyncio.create_task(self._recover(self._turn))

    async def _recover(self, turn: Turn | None) -> None:
        """End what a death left of the turn, then start OpenCode again."""
        if turn is not None:
            await self._host.clear_up(turn.began)
            turn.died.set()
        if not self._begun or (turn is None and self._host.age < _RESTART_PAUSE):
            return
        try:
            await self._bring_back()
        except (AgentFailed, Refused, Unreachable) as problem:
            _log.warning("agent_restart_failed", problem=str(problem))

    async def _bring_back(self) -> None:
        """Bring OpenCode back if it is gone, with the session as its store has it."""
        if self._host.running:
            return
        await self._listener.close()
        await self._host.up()
        await self._open_session()
        said = "The agent's process had ended and was started again."
        self._context.emit(Notice(code="agent_restarted", message=said))

    async def _end(self, turn: Turn) -> None:
        """End a turn, if need be with its process; the next prompt finds that started again."""
        with contextlib.suppress(AgentFailed):
            if await turn.end(self._host.client):
                return
        _log.warning("agent_killed", session=turn.session)
        commands = frozenset(groups_below(turn.pid) - {turn.pid})
        await self._listener.close()
        await self._host.stop(grace=0)
        await groups.end(commands, 0)
        turn.died.set()

    def _result(self, turn: Turn, failure: Failure | None) -> TurnResult:
        tokens = self._listener.translator.tokens
        outcome = "stopped" if turn.stopping else "failed" if failure else "done"
        told = failure if outcome == "failed" else None
        return TurnResult(
            outcome,
            message=told.message if told else None,
            code=told.code if told else None,
            input_tokens=tokens.input,
            output_tokens=tokens.output,
            cost=tokens.cost or None,
        )


def _why_open(turn: Turn) -> str:
    if turn.stopping:
        return "Stopped."
    if turn.died.is_set():
        return "The agent's process ended."
    return "The turn ended before this call did."


def _broken(problem: Exception) -> AgentFailed:
    return AgentFailed(
        "agent_failed", "The agent (OpenCode) does not take requests.", detail=str(problem)
    )
