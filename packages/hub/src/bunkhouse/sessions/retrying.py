"""Saying again what failed or was stopped."""

from bunkhouse.errors import Conflict
from bunkhouse.people.identity import Person
from bunkhouse.sessions import prompting
from bunkhouse.sessions.journal import Change
from bunkhouse.store import prompts
from bunkhouse.store.prompts import PromptRow
from bunkhouse_protocol.events import Attachment

_WHY_NOT = {
    "done": "The agent has done this prompt.",
    "paused": "This prompt was paused, so that somebody could drive.",
    "withdrawn": "This prompt was taken back.",
}
"""Why a prompt is not said again, by its state."""


async def again(change: Change, prompt_id: str, by: Person) -> PromptRow:
    """Queue a prompt once more, with its files, before what waits; gives the new one.

    Whoever asks again gets the same: each prompt is repeated once, and then the repetition can be.

    Raises:
        NotFound: there is no such prompt.
        Conflict: the agent has it, or has done it, or it was taken back.
    """
    row = await prompting.find(change, prompt_id)
    for before in await prompts.retries(change.tx, change.row.id, row.id):
        if before.state != "withdrawn":
            return before
    if row.state not in ("failed", "stopped"):
        raise Conflict(
            _WHY_NOT.get(row.state, "The agent has not done with this prompt."),
            remedy="Send another prompt.",
            code="prompt_not_failed",
        )
    new = await prompting.enqueue(
        change,
        row.text,
        by,
        row.model,
        row.kind,
        attachments=[Attachment.model_validate(each) for each in row.attachments],
        retry_of=row.id,
    )
    return await prompting.find(change, new)
