"""Back to before a turn, and forward again: files, git and agent together, whatever is killed when.

Before each turn a checkpoint is taken, under the turn's id. The first rewind after a turn remembers
how things are as well, which is the way forward; the next turn forgets it. What is to be done stays
in the spool until it is done, and doing it again does no harm.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import structlog

from bunkhouse_protocol.events import Notice, RewindFailed, SessionRewound
from bunkhouse_protocol.link import RewindCommand
from bunkhouse_runner.agents.base import Agent
from bunkhouse_runner.errors import NotRewound, RunnerError, WorkspaceUnreadable
from bunkhouse_runner.outbox import Outbox
from bunkhouse_runner.processes import Account
from bunkhouse_runner.rewinding.checkpoints import Checkpoint, Checkpoints
from bunkhouse_runner.spool import Spool

_log = structlog.get_logger("bunkhouse.runner.rewinding")

_WANTED = "rewind.wanted"
_DONE = "rewind.done"
_AHEAD = "rewind.ahead"
"""How things were before the first rewind since the last turn."""
_UNDONE = "rewind.undone"
"""The turns that do not count at the moment."""


class Rewinding:
    """What has to be remembered to go back. All of it outlives the runner."""

    def __init__(
        self, outbox: Outbox, spool: Spool, agent: Agent, workspace: Path, account: Account
    ) -> None:
        self._outbox = outbox
        self._spool = spool
        self._agent = agent
        self._checkpoints = Checkpoints(workspace, account)

    @property
    def wanted(self) -> bool:
        """Whether there is something to be done."""
        return self._spool.get(_WANTED) is not None

    def want(self, command: RewindCommand) -> None:
        """Note what is to be done. To ask twice is to ask once."""
        if self._spool.get(_DONE) != command.rewind_id:
            self._spool.set(_WANTED, command.model_dump_json())

    async def before_turn(self, turn_id: str) -> None:
        """Remember how things are before a turn; from now on there is no way forward.

        Where that can't be done the log says so, and the turn begins all the same.
        """
        try:
            with self._spool.together():
                self._spool.set(_AHEAD, None)
                self._spool.set(_UNDONE, None)
            self._keep(_of_turn(turn_id), await self._checkpoints.take())
        except WorkspaceUnreadable as error:
            _log.warning("checkpoint_failed", error=error.message, detail=error.detail)
        except Exception as error:
            _log.error("checkpoint_broke", exc_info=error)
        else:
            return
        said = "The workspace can't be remembered: it will not be possible to go back to here."
        self._outbox.emit(Notice(code="checkpoint_failed", message=said))

    async def carry_out(self) -> None:
        """Do what is wanted, and say how it went."""
        stored = self._spool.get(_WANTED)
        if stored is None:
            return
        command = RewindCommand.model_validate_json(stored)
        over = {_WANTED: None, _DONE: command.rewind_id}
        undone = command.undone
        try:
            if command.fork:
                undone = self._known(undone)
            if undone or not command.fork:
                await self._go(undone)
        except RunnerError as error:
            _log.warning("rewind_failed", code=error.code, detail=error.detail)
            self._outbox.emit(error.problem())
            self._outbox.record(RewindFailed(), over)
            return
        except Exception as error:
            _log.error("rewind_broke", exc_info=error)
            self._outbox.emit(NotRewound("not_rewound", f"It broke: {error!r}").problem())
            self._outbox.record(RewindFailed(), over)
            return
        gone = command.fork or not undone
        self._outbox.record(
            SessionRewound(prompt_id=undone[0] if undone else None),
            {
                **over,
                _UNDONE: None if gone else json.dumps(undone),
                **({_AHEAD: None} if gone else {}),
            },
        )

    async def _go(self, undone: Sequence[str]) -> None:
        target = self._kept(_of_turn(undone[0]) if undone else _AHEAD)
        if target is None:
            raise NotRewound(
                "no_checkpoint",
                "The sandbox does not know how things were then."
                if undone
                else "There is no way forward.",
                remedy="It is of before the sandbox was made. Later prompts can be gone back to."
                if undone
                else None,
            )
        now = await self._checkpoints.take()
        await self._checkpoints.check(now, target)
        if undone and self._kept(_AHEAD) is None:
            self._keep(_AHEAD, now)
        before: list[str] = json.loads(self._spool.get(_UNDONE) or "[]")
        await self._agent.rewind(undone)
        try:
            extra = await self._checkpoints.restore(now, target)
        except RunnerError:
            await self._return(now, before)
            raise
        ahead = self._kept(_AHEAD)
        if undone and extra and ahead is not None:
            self._keep(_AHEAD, replace(ahead, extra=(*ahead.extra, extra)))

    async def _return(self, now: Checkpoint, undone: Sequence[str]) -> None:
        """It did not work: leave things as they were found."""
        try:
            await self._agent.rewind(undone)
            await self._checkpoints.restore(await self._checkpoints.take(), now)
        except RunnerError as error:
            _log.error("not_returned", code=error.code, detail=error.detail)

    def _known(self, turns: Sequence[str]) -> list[str]:
        """Of these turns those that this sandbox has had, though it was another session's then."""
        first = next(
            (place for place, turn in enumerate(turns) if self._spool.get(_of_turn(turn))), None
        )
        return [] if first is None else list(turns[first:])

    def _kept(self, key: str) -> Checkpoint | None:
        stored = self._spool.get(key)
        if stored is None:
            return None
        found = json.loads(stored)
        extra = tuple((before, after) for before, after in found.pop("extra"))
        return Checkpoint(**found, extra=extra)

    def _keep(self, key: str, checkpoint: Checkpoint) -> None:
        self._spool.set(key, json.dumps(asdict(checkpoint)))


def _of_turn(turn_id: str) -> str:
    return f"checkpoint.{turn_id}"
