"""Hears what OpenCode says: events through the translator into the session's log."""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import cast

import structlog

from bunkhouse_runner.agents.base import AgentContext
from bunkhouse_runner.agents.opencode import disk, failures
from bunkhouse_runner.agents.opencode.calls import Findings
from bunkhouse_runner.agents.opencode.client import Client, Refused, Unreachable
from bunkhouse_runner.agents.opencode.events import Translator
from bunkhouse_runner.agents.opencode.limits import Limits
from bunkhouse_runner.agents.opencode.outputs import Outputs
from bunkhouse_runner.agents.opencode.steering import Steering
from bunkhouse_runner.agents.opencode.stream import EventStream
from bunkhouse_runner.agents.opencode.tools import Json
from bunkhouse_runner.agents.opencode.turn import Turn
from bunkhouse_runner.errors import AgentFailed

_log = structlog.get_logger("bunkhouse.runner.opencode")
_CONNECT_SECONDS = 20.0
_PAGE = 8


class Listener:
    """Listens to one OpenCode session; `turn` is the one that runs there, if any."""

    def __init__(
        self,
        context: AgentContext,
        limits: Limits,
        workspace: Path,
        steering: Steering,
        outputs: Outputs,
    ) -> None:
        self._context = context
        self._limits = limits
        self._workspace = workspace
        self._outputs = outputs
        self._taking = asyncio.Lock()
        self._stream = EventStream(self._take, self._resumed)
        self._client: Client | None = None
        self.translator = Translator(
            workspace, keep=context.keep, outputs=outputs, read_by=steering.read_by
        )
        self.turn: Turn | None = None

    async def open(self, client: Client, session: str) -> None:
        """Listen to a session from now on."""
        self.translator.session_id = session
        self._client = client
        for message in await client.messages(session, 1):
            self.translator.message(message["info"])
        try:
            await asyncio.wait_for(self._stream.open(client), _CONNECT_SECONDS)
        except TimeoutError as slow:
            raise AgentFailed("agent_failed", "The agent (OpenCode) does not answer.") from slow

    async def close(self) -> None:
        """Listen no more."""
        await self._stream.close()
        self._client = None

    async def conclude(self, turn: Turn, why: str) -> None:
        """Tell all that is known of a turn that is over; calls still open end because of `why`."""
        complete = False
        if not turn.died.is_set():
            with contextlib.suppress(Refused, Unreachable):
                complete = await self._look()
        async with self._taking:
            void = dict(self.translator.waiting)
            for event in self.translator.end_turn(why, complete):
                self._context.emit(event)
        await self._withdraw(void)

    async def _take(self, event: Json) -> None:
        async with self._taking:
            try:
                findings = None
                if self.translator.wants_findings(event):
                    findings = await self._findings(event["properties"]["part"])
                for made in self.translator.feed(event, findings):
                    self._context.emit(made)
            except (KeyError, TypeError, ValueError, AttributeError):
                # One event of a shape that we don't know must not end all the others.
                _log.exception("event_not_understood", type=event.get("type"))
        self._judge()

    def _judge(self) -> None:
        """Give the turn up where waiting any longer helps nobody."""
        turn, translator, limits = self.turn, self.translator, self._limits
        if turn is None:
            return
        if translator.error is not None:
            turn.failed.set()
        if translator.breaks >= limits.breaks:
            turn.give_up(failures.broke_off(translator.breaks))
        retry = translator.retry
        if retry is None:
            return
        hopeless = failures.NOT_FOUND.search(retry.message) is not None
        hub_away = failures.CONNECTION.search(retry.message) is not None
        enough = retry.attempt >= (limits.connections if hub_away else limits.attempts)
        if retry.next_at.timestamp() - time.time() > limits.longest_wait:
            turn.give_up(failures.long_pause(retry.next_at, retry.message))
        elif hopeless or enough:
            turn.give_up(failures.of_retries(retry.attempt, retry.message))

    async def _findings(self, part: Json) -> Findings:
        """Look on disk for what OpenCode does not say about a tool call that completed."""
        state = cast("Json", part["state"])
        metadata = cast("Json", state.get("metadata") or {})
        account, snapshot = self._context.account, self.translator.snapshot
        if metadata.get("outputPath"):
            path, most = str(metadata["outputPath"]), self._outputs.room
            return Findings(output=await disk.long_output(path, account, most))
        if snapshot is None:
            return Findings()
        path = str(cast("Json", state["input"]).get("filePath", ""))
        before = await disk.content_before(snapshot, path, self._workspace, account)
        return Findings(before=before)

    async def _resumed(self) -> None:
        """The stream broke off and is there again: find out what was missed."""
        client = self._client
        if self.turn is None or client is None:
            return
        # Before: what is open has a hole. After: so has what the store knew and we did not.
        await self._gap()
        with contextlib.suppress(Refused, Unreachable):
            await self._look()
            await self._ask_again(client)
        await self._gap()

    async def _ask_again(self, client: Client) -> None:
        """Tell the requests that came in the meantime."""
        for kind in ("permission", "question"):
            try:
                waiting = await client.pending(kind)
            except Refused as refusal:
                # OpenCode can't list requests with gaps in what describes them (a `webfetch`
                # without a time limit). One that nobody was told of would wait for ever.
                _log.warning("requests_not_listed", kind=kind, problem=str(refusal))
                if self.turn is not None and kind not in self.translator.waiting.values():
                    self.turn.give_up(failures.REQUEST_LOST)
                continue
            for request in waiting:
                await self._take({"type": f"{kind}.asked", "properties": request})

    async def _withdraw(self, void: dict[str, str]) -> None:
        """Settle requests that nobody waits for; OpenCode keeps a stopped turn's questions."""
        client = self._client
        if client is None:
            return
        with contextlib.suppress(Refused, Unreachable):
            for request, kind in void.items():
                if kind == "question":
                    await client.reply_question(request, None)
                else:
                    await client.reply_permission(request, "reject", None)

    async def _gap(self) -> None:
        async with self._taking:
            self.translator.gap()

    async def _look(self) -> bool:
        """Take the turn's messages as OpenCode has stored them; False where it is not there."""
        client, session = self._client, self.translator.session_id
        if client is None:
            return False
        limit = _PAGE
        messages = await client.messages(session, limit)
        while len(messages) == limit and _created(messages[0]) > self.translator.since:
            limit *= 4
            messages = await client.messages(session, limit)
        for message in messages:
            if _created(message) > self.translator.since:
                frame = {"sessionID": session, "info": message["info"]}
                await self._take({"type": "message.updated", "properties": frame})
                for part in cast("list[Json]", message["parts"]):
                    frame = {"sessionID": session, "part": part}
                    await self._take({"type": "message.part.updated", "properties": frame})
        return True


def _created(message: Json) -> int:
    return int(message["info"]["time"]["created"])
