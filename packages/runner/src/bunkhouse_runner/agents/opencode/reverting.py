"""Going back in OpenCode's conversation, and forward again.

OpenCode reverts a session to before a message of it: it hides what follows, and drops that when the
next prompt comes; until then it can be taken back. It also puts files back as far as its tools
changed them. That is of no use to us and does no harm: the runner puts all files to where they
were, and does so afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bunkhouse_runner.agents.base import Memory
from bunkhouse_runner.agents.opencode.client import Client
from bunkhouse_runner.agents.opencode.steering import message_id


@dataclass(frozen=True, slots=True)
class Reverting:
    """Which message began which turn. One for each agent."""

    memory: Memory

    def begin_turn(self, turn_id: str) -> str:
        """Return the id for the message that begins a turn, which is remembered."""
        message = message_id()
        self.memory.set(_of_turn(turn_id), message)
        return message

    async def rewind(self, client: Client, session: str, undone: Sequence[str]) -> None:
        """Let the conversation be as before the first of these turns; all of it, without any.

        A turn may have come to nothing before OpenCode had its message: then it is as before the
        next one. Raises `Refused` and `Unreachable`.
        """
        for turn_id in undone:
            message = self.memory.get(_of_turn(turn_id))
            if message is not None and await client.has_message(session, message):
                await client.revert(session, message)
                return
        await client.unrevert(session)


def _of_turn(turn_id: str) -> str:
    return f"message.{turn_id}"
