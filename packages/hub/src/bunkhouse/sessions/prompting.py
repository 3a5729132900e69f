"""The queue of a session's prompts: putting them in, changing them, and their order.

Those that wait are in one order, in which the agent gets them:

1. what the hub tells the agent after a hand-back;
2. what is on its way into the running turn (`steering`);
3. all else, as people arrange it.

Whatever changes it happens in the one transaction of a `Change`, and so does giving a prompt to
the agent: a prompt is either still to be changed, or the agent's.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bunkhouse.errors import Conflict, NotFound, TooLarge
from bunkhouse.people.identity import Person
from bunkhouse.sessions.identifiers import new_id
from bunkhouse.sessions.journal import Change
from bunkhouse.store import prompts
from bunkhouse.store.prompts import WAITING, PromptKind, PromptRow
from bunkhouse_protocol.events import Attachment, PromptEdited, PromptMoved, PromptQueued, When

_TITLE_LENGTH = 80


def check_size(text: str, limit: int) -> None:
    """Raise `TooLarge` where a prompt has more bytes than the limit."""
    size = len(text.encode())
    if size > limit:
        raise TooLarge(
            f"The prompt has {size} bytes; the limit is {limit}.",
            remedy="Put long material into a file of the repository, or raise "
            "BUNKHOUSE_PROMPT_BYTES.",
        )


def title(text: str, attachments: Sequence[Attachment]) -> str:
    """Name a session by its first prompt: the first line, or the names of its files."""
    line = text.splitlines()[0].strip() if text else ", ".join(each.name for each in attachments)
    return line if len(line) <= _TITLE_LENGTH else line[: _TITLE_LENGTH - 1].rstrip() + "…"


async def enqueue(
    change: Change,
    text: str,
    author: Person,
    model: str | None = None,
    kind: PromptKind = "prompt",
    *,
    attachments: Sequence[Attachment] = (),
    when: When = "queue",
    retry_of: str | None = None,
) -> str:
    """Queue a prompt and give its id. What is told at a hand-back comes before all others."""
    before = await waiting(change)
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
        attachments=[each.model_dump(mode="json") for each in attachments],
        retry_of=retry_of,
        created_at=datetime.now(UTC),
    )
    position = None
    if kind == "hand_back":
        position = 0
    elif when == "now" or retry_of is not None:
        position = await _place(change, prompt_id, _pinned(before))
    change.record(
        PromptQueued(
            prompt_id=prompt_id,
            text=text,
            author=author.name,
            model=model,
            kind=kind,
            attachments=list(attachments),
            when=when,
            position=position,
            retry_of=retry_of,
        )
    )
    rewind = change.row.rewind
    if rewind is not None and rewind["state"] == "rewound":
        change.row.rewind = None  # something new is said: what was undone is so for good
    return prompt_id


async def waiting(change: Change) -> list[PromptRow]:
    """What the agent has not read, the next first."""
    return await prompts.in_state(change.tx, [change.row.id], *WAITING)


async def find(change: Change, prompt_id: str) -> PromptRow:
    """Give a prompt of the session.

    Raises:
        NotFound: there is none.
    """
    row = await prompts.get(change.tx, change.row.id, prompt_id)
    if row is None:
        raise NotFound(f"There is no prompt {prompt_id} in this session.")
    return row


async def find_waiting(change: Change, prompt_id: str) -> PromptRow:
    """Give a prompt that can still be changed.

    Raises:
        NotFound: there is none.
        Conflict: the agent has it, or it was taken back.
    """
    row = await find(change, prompt_id)
    if row.state == "queued":
        return row
    if row.state == "withdrawn":
        raise Conflict(
            "This prompt was taken back.", remedy="Send it anew.", code="prompt_withdrawn"
        )
    over = row.state not in ("working", "steering", "steered")
    raise Conflict(
        "The agent has done with this prompt." if over else "The agent has this prompt already.",
        remedy="Send another." if over else "Stop the turn, or send another with `when`: `now`.",
        code="prompt_begun",
    )


async def edit(change: Change, row: PromptRow, by: Person, **columns: Any) -> None:
    """Change what a waiting prompt says; nothing happens where it says that already.

    `columns`: some of `text`, `model` and `attachments` (a list of `Attachment`).

    Raises:
        Conflict: the hub wrote it.
    """
    if row.kind == "hand_back":
        raise Conflict(
            "The hub wrote this prompt: it says what was done in the sandbox.",
            remedy="Take it back, or send another beside it.",
            code="prompt_not_editable",
        )
    if "attachments" in columns:
        columns["attachments"] = [each.model_dump(mode="json") for each in columns["attachments"]]
    if all(getattr(row, name) == value for name, value in columns.items()):
        return
    await prompts.change(change.tx, row.id, **columns)
    now = await find(change, row.id)
    change.record(
        PromptEdited(
            prompt_id=now.id,
            text=now.text,
            model=now.model,
            attachments=[Attachment.model_validate(each) for each in now.attachments],
            by=by.name,
        )
    )


async def move(
    change: Change, row: PromptRow, position: int, by: Person, when: When = "queue"
) -> None:
    """Give a waiting prompt another place; 0 is the next. Beyond an end, it is the end's.

    Raises:
        Conflict: it is the hub's, which always comes first.
    """
    if row.kind == "hand_back":
        raise Conflict(
            "What the agent is told after a hand-back comes before all else.",
            code="prompt_not_editable",
        )
    rows = await waiting(change)
    others = [each for each in rows if each.id != row.id]
    wanted = min(max(position, _pinned(others)), len(others))
    if when == "queue" and rows[wanted].id == row.id:
        return
    await _place(change, row.id, wanted)
    change.record(PromptMoved(prompt_id=row.id, position=wanted, when=when, by=by.name))


async def _place(change: Change, prompt_id: str, position: int) -> int:
    rows = await waiting(change)
    moved = next(row for row in rows if row.id == prompt_id)
    others = [row for row in rows if row.id != prompt_id]
    await prompts.arrange(change.tx, [*others[:position], moved, *others[position:]])
    return position


def _pinned(rows: list[PromptRow]) -> int:
    """How many stand before all that people arrange."""
    return sum(row.kind == "hand_back" or row.state == "steering" for row in rows)
