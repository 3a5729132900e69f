"""What a pull request says before somebody has written it: in the agent's own last words."""

from dataclasses import dataclass

from bunkhouse.sessions.journal import Journal
from bunkhouse.store import sessions
from bunkhouse_protocol.events import AgentMessageChunk, MessageRetracted

_BACK = 500
"""Events, from the log's end, in which the agent's last words are looked for."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Title and body, to be changed by whoever opens it."""

    title: str
    body: str


async def draft(journal: Journal, session_id: str) -> Draft:
    """The session's title, and what the agent said last.

    Raises:
        NotFound: there is no such session.
    """
    async with journal.database.read() as tx:
        row = await sessions.get(tx, session_id)
        last = row.last_seq if row else 0
    events, _ = await journal.read_before(session_id, before=last + 1, limit=_BACK, folded=True)
    texts: dict[str, str] = {}
    for event in events:
        match event:
            case AgentMessageChunk():
                texts[event.message_id] = texts.get(event.message_id, "") + event.text
            case MessageRetracted():
                texts.pop(event.message_id, None)
            case _:
                pass
    said = [text.strip() for text in texts.values() if text.strip()]
    return Draft(title=row.title if row else "", body=said[-1] if said else "")
