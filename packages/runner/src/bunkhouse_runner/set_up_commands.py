"""The commands by which a repository is set up: run once in a workspace, and again when asked.

They stand in the log as tool calls do, each with what it printed. That they were begun is written
down before: whatever ends them early (a restart, a rewind, sleep), they do not begin again by
themselves. One that fails, or that a person stops, ends the run, and the agent is told with the
next prompt.
"""

import asyncio
import codecs
import contextlib
import io
import json
import os
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from bunkhouse_protocol.configuring import SetUp
from bunkhouse_protocol.events import (
    Notice,
    Problem,
    Stage,
    ToolCall,
    ToolCallUpdate,
    ToolOutputChunk,
)
from bunkhouse_runner import processes
from bunkhouse_runner.agents.base import Emit, Memory
from bunkhouse_runner.agents.opencode.outputs import Outputs, Printed
from bunkhouse_runner.processes import Account

_log = structlog.get_logger("bunkhouse.runner.set_up_commands")

TOOL = "setup"
"""The tool's name in the log."""
LINGER_SECONDS = 0.5
"""How long output may still come once a command has ended: what it left running holds the pipe."""
TOLD_CHARACTERS = 4000
"""Of what a failed command printed, for the agent: its end."""

_STATE = "commands"
_RUNNING = "running "
_DONE, _FAILED = "done", "failed"
_NOTE = "note"
_CHUNK = 64 * 1024
_INTERRUPTED = "The sandbox was stopped while it ran."
_STOPPED = "Somebody stopped it."


class SetUpCommands:
    """Runs set-up commands as the agent's user, and remembers whether they were."""

    def __init__(
        self,
        emit: Emit,
        memory: Memory,
        account: Account,
        workspace: Path,
        keep_text: Callable[[bytes], str],
    ) -> None:
        """`keep_text` keeps a whole output for the hub; see `AgentContext`."""
        self._emit = emit
        self._memory = memory
        self._account = account
        self._workspace = workspace
        self._keep_text = keep_text
        self._outputs = Outputs(keep=keep_text)
        self._running = False
        self._stopped = asyncio.Event()

    @property
    def running(self) -> bool:
        """Whether they run, or are about to."""
        return self._running

    @property
    def note(self) -> str | None:
        """What the agent is to be told, and was not yet."""
        return self._memory.get(_NOTE)

    def told(self) -> None:
        """The agent was told."""
        self._memory.set(_NOTE, None)

    def set_limits(self, logged: int, kept: int) -> None:
        """Say how many bytes of an output the log has, and the hub keeps."""
        self._outputs = Outputs(logged, kept, self._keep_text)

    def recover(self) -> None:
        """Say how those ended that ran when the runner did; called once, before anything runs."""
        state = self._memory.get(_STATE) or ""
        if state.startswith(_RUNNING):
            self._break_off(**json.loads(state.removeprefix(_RUNNING)))

    def forget(self) -> None:
        """The workspace is new: nothing was run in it."""
        for key in (_STATE, _NOTE):
            self._memory.set(key, None)

    def forget_failure(self) -> None:
        """Let those that failed, or were broken off, run with the set-up that comes now."""
        if self._memory.get(_STATE) == _FAILED:
            self.forget()

    async def run_once(self, wanted: SetUp) -> None:
        """Run them unless they were begun before in this workspace. Never raises for their sake."""
        if wanted.commands and self._memory.get(_STATE) is None:
            self.want()
            await self.run(wanted)

    def want(self) -> None:
        """They are about to run: `run` follows, and nothing else is to begin before its end."""
        self._running = True
        self._stopped.clear()

    def stop(self) -> None:
        """End them at once; nothing happens where none runs."""
        self._stopped.set()

    async def run(self, wanted: SetUp) -> None:
        """Run them from the first on; what is wrong with one is told in the log."""
        try:
            await self._run_all(wanted)
        finally:
            self._running = False

    async def _run_all(self, wanted: SetUp) -> None:
        self.told()
        began = time.monotonic()
        self._emit(Stage(name="commands", status="started"))
        trouble = None
        for number, command in enumerate(wanted.commands):
            left = wanted.seconds - (time.monotonic() - began)
            share = number / len(wanted.commands)
            detail = f"{number + 1} of {len(wanted.commands)}: {_line(command)}"
            self._emit(Stage(name="commands", status="progress", detail=detail, progress=share))
            trouble = await self._one(command, left, wanted.seconds)
            if trouble is not None:
                break
        self._memory.set(_STATE, _DONE if trouble is None else _FAILED)
        ms = round((time.monotonic() - began) * 1000)
        status = "done" if trouble is None else "failed"
        detail = trouble or _count(len(wanted.commands))
        self._emit(Stage(name="commands", status=status, detail=detail, ms=ms))

    async def _one(self, command: str, left: float, limit: float) -> str | None:
        """Run one; says in a sentence what is wrong, if something is."""
        call_id = f"{TOOL}_{secrets.token_hex(8)}"
        under_way = {"call_id": call_id, "command": command}
        self._memory.set(_STATE, f"{_RUNNING}{json.dumps(under_way)}")
        call = ToolCall(
            tool_call_id=call_id,
            tool=TOOL,
            kind="execute",
            title=_line(command),
            status="in_progress",
            input={"command": command},
        )
        self._emit(call)
        began = time.monotonic()
        printed = _Printed(self._outputs.room, self._outputs.logged, self._chunk(call_id))
        try:
            status = await self._run(command, printed, max(left, 0.0))
            error = None
        except OSError as problem:
            status, error = None, f"It can't be run: {problem.strerror or problem}."
        except asyncio.CancelledError:
            self._break_off(call_id, command)
            raise
        if error is None and status is None:
            late = f"It was ended: set-up commands may take {limit:g} s together."
            error = _STOPPED if self._stopped.is_set() else late
        output = self._outputs.of(printed.whole())
        bad = error is not None or status != 0
        self._emit(
            ToolCallUpdate(
                tool_call_id=call_id,
                status="failed" if bad else "completed",
                output=output.text,
                output_truncated=output.left_out > 0,
                output_left_out=output.left_out,
                whole_output=output.whole,
                exit_code=status,
                error=error,
                ms=round((time.monotonic() - began) * 1000),
            )
        )
        if not bad:
            return None
        how = error or f"It ended with exit code {status}."
        if error == _STOPPED:
            self._stop_short(command, output.text)
        else:
            self._fail(command, how, output.text)
        return f"{_line(command)}: {how}"

    def _stop_short(self, command: str, output: str) -> None:
        self._memory.set(_NOTE, _told(command, _STOPPED, output))
        self._emit(
            Notice(
                code="set_up_stopped",
                message=f"The set-up was stopped at `{_line(command)}`. The agent is told with the "
                "next prompt.",
            )
        )

    def _fail(self, command: str, how: str, output: str) -> None:
        self._memory.set(_NOTE, _told(command, how, output))
        self._emit(
            Problem(
                code="set_up_failed",
                message=f"The repository's set-up command `{_line(command)}` did not finish. {how}",
                remedy="The session can be used. The agent is told with the next prompt; the "
                "set-up can be run again from the details of the session.",
            )
        )

    def _break_off(self, call_id: str, command: str) -> None:
        self._emit(ToolCallUpdate(tool_call_id=call_id, status="failed", error=_INTERRUPTED))
        self._emit(Stage(name="commands", status="failed", detail=_INTERRUPTED))
        self._fail(command, _INTERRUPTED, "")
        self._memory.set(_STATE, _FAILED)

    def _chunk(self, call_id: str) -> Callable[[str], None]:
        return lambda text: self._emit(ToolOutputChunk(tool_call_id=call_id, text=text))

    async def _run(self, command: str, printed: "_Printed", seconds: float) -> int | None:
        """Give its exit status; None: it took too long, or was stopped. Raises OSError."""
        # A pipe of our own: `Process.wait` would wait until nobody holds one that it made.
        reading, writing = os.pipe()
        try:
            if os.geteuid() == 0:
                os.fchown(writing, self._account.uid, self._account.gid)
            process = await processes.start(
                [self._account.shell, "-c", command], self._account,
                cwd=self._workspace, stdout=writing, stderr=writing,
            )  # fmt: skip
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        hearing = asyncio.create_task(printed.hear(reading))
        waiting = asyncio.create_task(process.wait())
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            first = asyncio.FIRST_COMPLETED
            await asyncio.wait({waiting, stopped}, timeout=seconds, return_when=first)
            cut = not waiting.done()
            if cut:
                await processes.end(process)
            await asyncio.wait({hearing}, timeout=LINGER_SECONDS)
            return None if cut else _as_shell(waiting.result())
        except BaseException:
            await asyncio.shield(processes.end(process, grace=1.0))
            raise
        finally:
            for task in (hearing, waiting, stopped):
                task.cancel()
            await asyncio.gather(hearing, waiting, stopped, return_exceptions=True)


class _Printed:
    """What a command prints: said as it comes, up to a length; kept with its head and its tail."""

    def __init__(self, room: int, said: int, say: Callable[[str], None]) -> None:
        self._half = room // 2
        self._head, self._tail = bytearray(), bytearray()
        self._lost = 0
        self._left = said
        self._say = say
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    async def hear(self, descriptor: int) -> None:
        """Read until nobody writes any more; closes the descriptor."""
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        with io.FileIO(descriptor, "rb") as pipe:
            transport, _ = await loop.connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), pipe
            )
            with contextlib.closing(transport):
                while data := await reader.read(_CHUNK):
                    self._take(data)

    def _take(self, data: bytes) -> None:
        if self._left > 0:
            text = self._decoder.decode(data[: self._left])
            self._left -= len(data)
            if text:
                self._say(text)
        room = self._half - len(self._head)
        self._head += data[:room]
        self._tail += data[room:] if room > 0 else data
        if (over := len(self._tail) - self._half) > 0:
            del self._tail[:over]
            self._lost += over

    def whole(self) -> Printed:
        return Printed(bytes(self._head), bytes(self._tail), self._lost)


def _as_shell(status: int) -> int:
    return 128 - status if status < 0 else status


def _line(command: str) -> str:
    """A command in one line, not too long."""
    line = " ".join(command.split())
    return line if len(line) <= 120 else f"{line[:119]}…"


def _count(commands: int) -> str:
    return "1 command" if commands == 1 else f"{commands} commands"


def _told(command: str, how: str, output: str) -> str:
    end = output.strip()[-TOLD_CHARACTERS:]
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", end)), default=0))
    said = f"\nThe end of what it printed:\n{fence}\n{end}\n{fence}" if end else ""
    return (
        "(A note by Bunkhouse, not by the person: the set-up of this repository did not finish. "
        f"Its command `{_line(command)}` did not. {how} Commands after it were not run.{said})"
    )
