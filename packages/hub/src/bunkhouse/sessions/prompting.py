"""Putting prompts into a session's queue."""

from datetime import UTC, datetime

from bunkhouse.people.identity import Person
from bunkhouse.sessions.identifiers import new_id
from bunkhouse.sessions.journal import Change
from bunkhouse.store import prompts
from bunkhouse.store.prompts import PromptKind
from bunkhouse_protocol.events import PromptQueued


async def enqueue(
    change: Change,
    text: str,
    author: Person,
    model: str | None = None,
    kind: PromptKind = "prompt",
) -> str:
    """Queue a prompt and give its id. What is told at a hand-back comes before all others."""
    prompt_id = new_id("p")
    await prompts.add(
        change.tx,
        session_id=change.row.id,
        first=kind == "hand_back",
        id=prompt_id,
        text=text,
        author_id=author.id,
        author=author.name,
        model=model,
        kind=kind,
        created_at=datetime.now(UTC),
    )
    queued = PromptQueued(
        prompt_id=prompt_id, text=text, author=author.name, model=model, kind=kind
    )
    change.record(queued)
    return prompt_id
