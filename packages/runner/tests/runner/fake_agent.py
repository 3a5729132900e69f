"""An agent that honours the port and does, at once, what its prompt says in one word."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Literal

from bunkhouse_protocol.events import (
    AgentMessageChunk,
    PermissionRequested,
    PromptSteered,
    Question,
    QuestionAsked,
    ToolCall,
    ToolCallUpdate,
)
from bunkhouse_protocol.link import SessionSpec
from bunkhouse_runner.agents.base import AgentContext, AttachedFile, Steered, TurnResult
from bunkhouse_runner.errors import AgentFailed


class FakeAgent:
    def __init__(self, context: AgentContext) -> None:
        self.context = context
        self.emit = context.emit
        self.calls: list[str] = []
        self.start_failures = 0
        self.rewind_failures = 0
        self.workspace = Path()
        self.stopped = asyncio.Event()
        self.answered: asyncio.Future[object] | None = None
        self.started = asyncio.Event()
        self.prompted = asyncio.Event()
        self.hold_start: asyncio.Event | None = None
        self.tool_done = asyncio.Event()
        self.finishes_first = False
        """Ends by itself at the moment at which it is paused."""
        self.files: list[AttachedFile] = []
        self.turn_id = ""
        self.steers: Steered = "given"

    async def start(self, spec: SessionSpec, workspace: Path) -> None:
        self.calls.append(f"start {spec.model}")
        self.workspace = workspace
        if self.start_failures:
            self.start_failures -= 1
            raise AgentFailed("agent_failed", "The agent has a headache.", remedy="Let it rest.")
        if self.hold_start is not None:
            await self.hold_start.wait()
        self.started.set()

    async def begin(self) -> None:
        assert (self.workspace / ".git").exists()
        remembered = self.context.memory.get("session")
        self.calls.append(f"begin {remembered}")
        self.context.memory.set("session", "agent-session-1")

    async def prompt(
        self, turn_id: str, text: str, model: str, files: Sequence[AttachedFile] = ()
    ) -> TurnResult:
        self.calls.append(f"prompt {text}")
        self.prompted.set()
        self.files = list(files)
        self.turn_id = turn_id
        self.stopped.clear()
        word, _, rest = text.partition(" ")
        deeds: dict[str, Callable[[str], Awaitable[TurnResult]]] = {
            "say": self._say,
            "write": self._write,
            "hang": self._hang,
            "silent": self._silent,
            "work": self._work,
            "stubborn": self._stubborn,
            "ask": self._ask,
            "question": self._question,
            "fail": self._fail,
            "break": self._break,
        }
        return await deeds[word](rest)

    async def _say(self, text: str) -> TurnResult:
        for character in text:
            self.emit(AgentMessageChunk(message_id="m", text=character))
        return TurnResult("done", input_tokens=10, output_tokens=len(text), cost=0.5)

    async def _write(self, name: str) -> TurnResult:
        (self.workspace / name).write_text("written\n")
        return TurnResult("done")

    async def _hang(self, _rest: str) -> TurnResult:
        self.emit(ToolCall(tool_call_id="slow", tool="bash", kind="execute", title="sleep"))
        await self.stopped.wait()
        return TurnResult("stopped")

    async def _silent(self, _rest: str) -> TurnResult:
        await self.stopped.wait()
        return TurnResult("stopped")

    async def _work(self, _rest: str) -> TurnResult:
        """Run a tool until the test says so, then think until stopped."""
        self.emit(ToolCall(tool_call_id="work", tool="bash", kind="execute", title="make"))
        await self.tool_done.wait()
        self.emit(ToolCallUpdate(tool_call_id="work", status="completed"))
        await self.stopped.wait()
        return TurnResult("done" if self.finishes_first else "stopped")

    async def _stubborn(self, _rest: str) -> TurnResult:
        await asyncio.Event().wait()
        raise AssertionError

    async def _ask(self, _rest: str) -> TurnResult:
        self.answered = asyncio.get_running_loop().create_future()
        self.emit(PermissionRequested(request_id="p1", permission="bash", title="rm -rf"))
        reply = await self.answered
        done = ToolCallUpdate(tool_call_id="t", status="completed", output=str(reply))
        self.emit(done)
        return TurnResult("done")

    async def _question(self, _rest: str) -> TurnResult:
        self.answered = asyncio.get_running_loop().create_future()
        self.emit(QuestionAsked(request_id="q1", questions=[Question(question="Which?")]))
        await self.answered
        return TurnResult("done")

    async def _fail(self, _rest: str) -> TurnResult:
        raise AgentFailed("model_unauthorized", "The key is wrong.")

    async def _break(self, _rest: str) -> TurnResult:
        raise RuntimeError("a bug")

    async def steer(
        self, prompt_id: str, text: str, model: str, files: Sequence[AttachedFile] = ()
    ) -> Steered:
        self.calls.append(f"steer {text}")
        self.files = list(files)
        if self.steers == "given":
            self.emit(PromptSteered(prompt_id=prompt_id, turn_id=self.turn_id))
        return self.steers

    async def rewind(self, undone: Sequence[str]) -> None:
        self.calls.append(" ".join(["rewind", *undone]))
        if self.rewind_failures:
            self.rewind_failures -= 1
            raise AgentFailed("agent_failed", "The agent can't remember.")

    async def stop_turn(self) -> None:
        self.calls.append("stop")
        self.stopped.set()

    async def pause_turn(self) -> None:
        self.calls.append("pause")
        self.stopped.set()

    async def answer_permission(
        self, request_id: str, reply: Literal["once", "always", "reject"], message: str | None
    ) -> bool:
        self.calls.append(f"permission {request_id} {reply} {message}")
        return self._answer(reply)

    async def answer_question(self, request_id: str, answers: list[list[str]] | None) -> bool:
        self.calls.append(f"question {request_id} {answers}")
        return self._answer(answers)

    def _answer(self, answer: object) -> bool:
        if self.answered is None or self.answered.done():
            return False
        self.answered.set_result(answer)
        return True

    async def close(self) -> None:
        self.calls.append("close")
