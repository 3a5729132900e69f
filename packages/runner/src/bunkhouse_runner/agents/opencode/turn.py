"""One turn: from the prompt to how it ended, through broken connections, stops and deaths."""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import Any, cast

import httpx2

from bunkhouse_runner.agents.opencode import failures, groups, parts
from bunkhouse_runner.agents.opencode.client import Client, Refused, Unreachable
from bunkhouse_runner.agents.opencode.events import Translator
from bunkhouse_runner.agents.opencode.failures import Failure
from bunkhouse_runner.agents.opencode.limits import Limits
from bunkhouse_runner.agents.opencode.tools import Json
from bunkhouse_runner.processes import groups_below

GO_ON = (
    "The connection to the model broke off in the middle of your last answer, and part of it is"
    " lost. Go on with the task from where you were; don't mention the interruption."
)
"""Said to the model, not shown to people, when a turn is taken up again."""

_LATE_SECONDS = 1.0
"""How long an error's event may come after the answer that it belongs to."""
_ABORT_SECONDS = 0.5


@dataclass(slots=True)
class Turn:
    """The running turn. `ended_by` is set from outside: by a stop, a death, or a limit."""

    session: str
    model: tuple[str, str]
    pid: int
    limits: Limits
    translator: Translator
    stopping: bool = False
    leaving: bool = False
    """What its commands left in the background goes on when it is ended."""
    stuck: bool = False
    """OpenCode does not end the turn."""
    refused: int | None = None
    """The status with which OpenCode answered in place of a turn."""
    died: asyncio.Event = field(default_factory=asyncio.Event)
    failed: asyncio.Event = field(default_factory=asyncio.Event)
    """OpenCode reported an error."""
    gave_up: asyncio.Future[Failure] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    began: float = field(default_factory=lambda: time.clock_gettime(time.CLOCK_BOOTTIME))
    """Seconds since the machine's boot."""
    _before: frozenset[int] = frozenset()
    _call: "asyncio.Task[Json] | None" = None

    def __post_init__(self) -> None:
        self._before = frozenset(groups_below(self.pid) - {self.pid})

    def give_up(self, failure: Failure) -> None:
        """End the turn for a reason that OpenCode does not see."""
        if not self.gave_up.done():
            self.gave_up.set_result(failure)

    async def run(
        self, client: Client, said: list[Json], message: str, doors_url: str
    ) -> tuple[Failure | None, Json]:
        """Prompt, and prompt to go on where the hub was away; returns why it failed, if it did.

        `message`: the id of the prompt in OpenCode's store. The second value is the last message,
        empty where there is none.
        """
        taken_up = 0
        while True:
            failure, last = await self._attempt(client, said, None if taken_up else message)
            if failure is None or self.stopping or self.died.is_set():
                return failure, last
            if not self._may_go_on(failure) or taken_up >= self.limits.resumptions:
                return failure, last
            if not await self._hub_answers(doors_url) or self.stopping:
                return failure, last
            await self._forget_broken(client, last)
            taken_up += 1
            self.translator.take_up()
            self.failed.clear()
            self.gave_up = asyncio.get_running_loop().create_future()
            said = [parts.of_text(GO_ON, synthetic=True)]

    async def _attempt(
        self, client: Client, said: list[Json], message: str | None
    ) -> tuple[Failure | None, Json]:
        if self.stopping:
            return None, {}
        call = asyncio.create_task(client.prompt(self.session, said, self.model, message))
        self._call = call
        death = asyncio.create_task(self.died.wait())
        try:
            await asyncio.wait({call, death, self.gave_up}, return_when=asyncio.FIRST_COMPLETED)
            if self.gave_up.done() and not call.done() and not self.died.is_set():
                self.stuck = not await self.end(client)
                if self.stuck:
                    return self.gave_up.result(), {}
            with contextlib.suppress(Unreachable):
                return await self._result(call)
            # The process may be gone, with the news still on its way.
            await asyncio.wait({death}, timeout=self.limits.stop)
            if self.died.is_set():
                return failures.AGENT_DIED, {}
            return Failure("agent_failed", "The agent's process does not answer."), {}
        finally:
            death.cancel()

    async def _result(self, call: "asyncio.Task[Json]") -> tuple[Failure | None, Json]:
        if self.died.is_set():
            return failures.AGENT_DIED, {}
        try:
            last = await call
        except Refused as refusal:
            self.refused = refusal.status
            # What went wrong is told by an event, which may come a moment later.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.failed.wait(), _LATE_SECONDS)
            error: Json = self.translator.error or {"data": {"message": refusal.body}}
            return failures.of_error(error), {}
        if self.gave_up.done():
            return self.gave_up.result(), last
        error = cast("dict[str, Any]", last["info"].get("error") or {})
        return (failures.of_error(error) if error else None), last

    def _may_go_on(self, failure: Failure) -> bool:
        # Some models refuse a conversation that ends with their own half answer.
        half = self.translator.breaks > 0 and failure.code == "model_refused"
        return failure.reconnectable or half

    async def _forget_broken(self, client: Client, last: Json) -> None:
        """Take an answer out of which nothing came: some models refuse an empty one."""
        parts = cast("list[Json]", last.get("parts") or [])
        if last and not any(part["type"] == "tool" for part in parts):
            with contextlib.suppress(Refused, Unreachable):
                await client.forget(self.session, str(last["info"]["id"]))

    async def end(self, client: Client) -> bool:
        """Have OpenCode end the turn, and kill what its commands leave; False if it does not.

        An abort that comes before OpenCode has begun the turn is lost, so it is repeated.
        """
        call = self._call
        if call is None or call.done():
            return True
        mine = frozenset(groups_below(self.pid) - {self.pid}) - self._before
        with contextlib.suppress(TimeoutError, Unreachable, Refused):
            async with asyncio.timeout(self.limits.stop):
                while not call.done():
                    await client.abort(self.session)
                    await asyncio.wait({call}, timeout=_ABORT_SECONDS)
        if not self.leaving:
            await groups.end(mine, self.limits.kill)
        return call.done()

    async def close(self) -> None:
        """Wait for OpenCode's answer no more."""
        if self._call is not None:
            self._call.cancel()
            await asyncio.gather(self._call, return_exceptions=True)

    async def _hub_answers(self, doors_url: str) -> bool:
        """Wait until the doors answer anything at all."""
        with contextlib.suppress(TimeoutError):
            async with (
                asyncio.timeout(self.limits.hub_wait),
                httpx2.AsyncClient(trust_env=False, timeout=5) as http,
            ):
                while not self.stopping and not self.died.is_set():
                    with contextlib.suppress(httpx2.TransportError):
                        await http.get(doors_url)
                        return True
                    await asyncio.sleep(self.limits.hub_poll)
        return False
