"""Whether a turn is alive: when something was last heard of it, and what that was."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from bunkhouse_protocol.events import Event, ToolCall

STALLED = "turn_stalled"

SECONDS = 600.0
TOOL_SECONDS = 3600.0
"""Until the hub says how long (`SessionSpec`)."""

_LATE_SECONDS = 30.0
"""A timer that is later than this did not run: the sandbox was frozen, and so was the agent."""

_WORDS = {
    "agent_message_chunk": "the agent spoke",
    "agent_thought_chunk": "the agent thought",
    "tool_call_update": "a tool ended",
    "tool_output_chunk": "a tool printed something",
    "plan": "the agent changed its plan",
    "model_retry": "the model was asked again",
    "permission_resolved": "a permission was answered",
    "question_resolved": "a question was answered",
    "prompt_steered": "the agent read another prompt",
}


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing was heard for `seconds`, in the middle of a turn."""

    seconds: float
    last: str
    """What was heard last, as the second half of a sentence."""

    @property
    def message(self) -> str:
        """One sentence for people."""
        return f"Nothing was heard of the agent for {_spoken(self.seconds)}; the last: {self.last}."

    @property
    def remedy(self) -> str:
        """What can be done about it."""
        return "Retry: it sends the prompt again. The conversation and the files are as they were."


class Pulse:
    """Heard at each event of the agent. Waiting for a person's answer is not silence."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard = clock()
        self._last = ""
        self._tools = False
        self._asked = False
        self.seconds = SECONDS
        """How long a turn may be silent."""
        self.tool_seconds = TOOL_SECONDS
        """How long it may be so while a tool runs."""

    def begin(self) -> None:
        """A turn begins."""
        self._heard, self._last = self._clock(), "it was given the prompt"
        self._tools = self._asked = False

    def beat(self, event: Event, *, tools: bool, asked: bool) -> None:
        """Something was heard. `tools`: one runs now. `asked`: a person has yet to answer."""
        self._heard, self._tools, self._asked = self._clock(), tools, asked
        if isinstance(event, ToolCall):
            self._last = f"{event.tool} `{event.title}` began"
        else:
            self._last = _WORDS.get(event.type, "a notice")

    async def stopped(self) -> Stall:
        """Wait until nothing was heard for too long."""
        while (left := self._left()) > 0:
            # A tool may begin or end meanwhile, which may make the limit shorter.
            nap = min(left, self.seconds, self.tool_seconds)
            due = self._clock() + nap
            await asyncio.sleep(nap)
            if self._clock() - due > _LATE_SECONDS:
                self._heard = self._clock()
        return Stall(self._clock() - self._heard, self._last)

    def _left(self) -> float:
        limit = self.tool_seconds if self._tools else self.seconds
        if self._asked:
            return limit
        return self._heard + limit - self._clock()


def _spoken(seconds: float) -> str:
    if seconds < 90:
        return f"{round(seconds)} seconds"
    return f"{round(seconds / 60)} minutes"
