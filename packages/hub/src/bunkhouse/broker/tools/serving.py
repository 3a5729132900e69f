"""One call of a tool: who acts, may they, do it, and write down what came of it.

Each acts with the rights of the person whose prompt the running turn is, as they are at this
moment; without a turn nobody's rights are there to act with.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

import anyio
import structlog
from pydantic import ValidationError

from bunkhouse.broker.tools import arguments
from bunkhouse.broker.tools.catalog import BY_NAME, Tool
from bunkhouse.broker.tools.work import Call, Rooms, Told
from bunkhouse.errors import (
    BunkhouseError,
    Conflict,
    Forbidden,
    NotFound,
    TooMany,
    UpstreamFailed,
)
from bunkhouse.people.permissions import missing
from bunkhouse.store import prompts, sessions
from bunkhouse.store.prompts import PromptRow
from bunkhouse_protocol.events import HubToolCalled

AT_ONCE = 8
"""Calls of one session that may be served at the same time."""

_SERVER_ERRORS = 500

_log = structlog.get_logger("bunkhouse.broker.tools")


class Serving:
    """Serves the calls of all sessions."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._running: Counter[str] = Counter()

    async def call(self, session_id: str, name: str, given: Mapping[str, Any]) -> str:
        """Serve a call of a session's sandbox, and return what the agent is told.

        Raises:
            NotFound: there is no such tool; this alone leaves no event.
            BunkhouseError: why it was not done.
        """
        tool = BY_NAME.get(name)
        if tool is None:
            raise NotFound(f"There is no tool {name[:64]!r}.", code="no_such_tool")
        if self._running[session_id] >= AT_ONCE:
            # Without an event: a sandbox that calls without end is not to fill the log.
            raise TooMany(
                f"{AT_ONCE} tools of this session are being served.",
                remedy="Wait until one is done.",
                code="too_many_calls",
            )
        self._running[session_id] += 1
        try:
            return await self._call(session_id, tool, given)
        finally:
            self._running[session_id] -= 1
            if not self._running[session_id]:
                del self._running[session_id]

    async def _call(self, session_id: str, tool: Tool, given: Mapping[str, Any]) -> str:
        turn = await self._turn(session_id)
        try:
            told = await self._serve(session_id, tool, turn, given)
        except BunkhouseError as error:
            await self._write(session_id, tool, turn, error)
            raise
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                broken = UpstreamFailed("The call was broken off.", code="broken_off")
                await self._write(session_id, tool, turn, broken)
            raise
        except Exception as error:
            _log.exception("tool broke", tool=tool.name, session=session_id)
            broken = BunkhouseError("The hub could not do it.", remedy="Its log says why.")
            await self._write(session_id, tool, turn, broken)
            raise broken from error
        await self._write(session_id, tool, turn, told)
        return told.text

    async def _serve(
        self, session_id: str, tool: Tool, turn: PromptRow | None, given: Mapping[str, Any]
    ) -> Told:
        if turn is None:
            raise Conflict(
                "No turn runs in this session, and only a turn has a person to act for.",
                remedy="Call tools while you work on a prompt.",
                code="no_turn",
            )
        person = await self._rooms.people.by_id(turn.author_id)
        if person is None:
            raise Forbidden(
                f"{turn.author}, whose prompt this is, may not sign in any more.",
                code="person_gone",
            )
        for action in tool.needs:
            about = session_id if action.startswith("session.") else None
            await self._rooms.rights.require(person, action, about)
        try:
            understood = tool.arguments.model_validate(dict(given))
        except ValidationError as error:
            raise arguments.wrong(error.errors()) from error
        return await tool.serve(Call(session_id, turn.id, person, self._rooms), understood)

    async def _turn(self, session_id: str) -> PromptRow | None:
        async with self._rooms.journal.database.read() as tx:
            if await sessions.get(tx, session_id) is None:
                raise missing(session_id)
            running = await prompts.in_state(tx, [session_id], "working")
        return running[0] if running else None

    async def _write(
        self, session_id: str, tool: Tool, turn: PromptRow | None, came: Told | BunkhouseError
    ) -> None:
        by, turn_id = (None, None) if turn is None else (turn.author, turn.id)
        if isinstance(came, Told):
            event = HubToolCalled(
                tool=tool.name,
                by=by,
                turn_id=turn_id,
                outcome="done",
                message=came.message,
                session_id=came.session_id,
                picture=came.picture,
                caption=came.caption,
            )
        else:
            event = HubToolCalled(
                tool=tool.name,
                by=by,
                turn_id=turn_id,
                outcome=_outcome(came),
                message=str(came),
                code=came.reason,
            )
        _log.info(
            "tool called",
            session=session_id,
            tool=tool.name,
            person=turn.author_id if turn else None,
            outcome=event.outcome,
            code=event.code,
        )
        try:
            await self._rooms.journal.note(session_id, event)
        except NotFound:
            return  # it was deleted meanwhile


def _outcome(error: BunkhouseError) -> Literal["refused", "failed"]:
    return "refused" if error.status < _SERVER_ERRORS else "failed"
