"""Prompts that are given to OpenCode while it works, and which of them it has read.

OpenCode reads its conversation anew at each step of a turn, and goes on as long as a person's
message is newer than its own last one. So a message put there (`noReply`, under an id of ours) is
read at the next step; the first answer to it, or to a newer one, says so (`parentID`). A turn that
is over has not read what came a moment too late: that is taken out again, and nobody has said it.
Before a message is put there its id is written down, so that the next process of ours takes out
what this one could not.
"""

import asyncio
import contextlib
import json
import secrets
import string
import time
from dataclasses import dataclass, field

from bunkhouse_runner.agents.base import Memory
from bunkhouse_runner.agents.opencode.client import Client, Refused, Unreachable
from bunkhouse_runner.agents.opencode.tools import Json

_UNREAD = "unread"
"""Key of the memory: ids of messages that OpenCode may have and has not read."""
_LETTERS = string.digits + string.ascii_letters


@dataclass(slots=True)
class _Given:
    prompt_id: str
    there: bool = False
    """OpenCode has said that it has it."""


@dataclass(slots=True)
class Steering:
    """What was given into the running turn. One for each agent."""

    memory: Memory
    _unread: dict[str, _Given] = field(default_factory=dict[str, _Given])
    """By the messages' ids, which are in the order of time."""
    _giving: asyncio.Lock = field(default_factory=asyncio.Lock)
    _open: bool = False

    def begin_turn(self) -> None:
        """From now on prompts can be given."""
        self._open = True

    async def give(
        self,
        client: Client,
        session: str,
        prompt_id: str,
        said: list[Json],
        model: tuple[str, str],
    ) -> bool:
        """Put a prompt into the conversation. False: the turn is over, or OpenCode refuses."""
        async with self._giving:
            if not self._open:
                return False
            message = message_id()
            given = self._unread[message] = _Given(prompt_id)
            self._note()
            try:
                await client.tell(session, message, said, model)
            except (Refused, Unreachable):
                return False  # it may have arrived all the same, and then be read
            given.there = True
            return True

    def read_by(self, parent: str) -> list[str]:
        """An answer to the message `parent` was begun: return the prompts that it was given."""
        read = [
            message
            for message, given in self._unread.items()
            if message == parent or (given.there and message < parent)
        ]
        prompts = [self._unread.pop(message).prompt_id for message in read]
        if prompts:
            self._note()
        return prompts

    async def close_turn(self) -> None:
        """The turn is over: nothing more is put into it."""
        self._open = False
        async with self._giving:
            pass

    async def take_back(self, client: Client, session: str) -> None:
        """Take out of the conversation what was not read, also by a process of ours before."""
        self._unread.clear()
        noted = self._noted()
        for message in noted:
            with contextlib.suppress(Refused):  # it is not there
                try:
                    await client.forget(session, message)
                except Unreachable:
                    return
        if noted:
            self.memory.set(_UNREAD, None)

    def _note(self) -> None:
        self.memory.set(_UNREAD, json.dumps(list(self._unread)))

    def _noted(self) -> list[str]:
        stored = self.memory.get(_UNREAD)
        return json.loads(stored) if stored else []


def message_id() -> str:
    """Make an id as OpenCode makes them: 48 bits of time in its units, then chance."""
    moment = (time.time_ns() // 1_000_000 * 0x1000 + 1) & (1 << 48) - 1
    return f"msg_{moment:012x}{''.join(secrets.choice(_LETTERS) for _ in range(14))}"
