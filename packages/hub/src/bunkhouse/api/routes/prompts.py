"""A session's prompts: say something to the agent, and change what waits."""

from typing import Annotated, cast

from fastapi import APIRouter, Path
from pydantic import TypeAdapter

from bunkhouse.api.access import Hub, Prompter
from bunkhouse.api.repetition import Key, once_of
from bunkhouse.api.schemas import NewPrompt, PromptOut, PromptPatch
from bunkhouse.sessions.views import PromptEdit, PromptView

router = APIRouter(prefix="/sessions/{session_id}/prompts", tags=["sessions"])

SessionId = Annotated[str, Path(max_length=64)]
PromptId = Annotated[str, Path(max_length=64)]

_PROMPT = TypeAdapter(PromptOut)


@router.post("", status_code=202)
async def create_prompt(
    session_id: SessionId, new: NewPrompt, hub: Hub, person: Prompter, key: Key = None
) -> PromptOut:
    """Say something to the agent. While it works it is queued, or given to it now."""
    view = await hub.sessions.prompt(
        session_id,
        new.text,
        person,
        model=new.model,
        attachments=new.attachments,
        when=new.when,
        key=once_of(hub, person, key, f"POST /api/sessions/{session_id}/prompts", new),
    )
    return _out(view)


@router.patch("/{prompt_id}")
async def change_prompt(
    session_id: SessionId, prompt_id: PromptId, patch: PromptPatch, hub: Hub, person: Prompter
) -> PromptOut:
    """Change a prompt that waits: its words, model, files, its place, or send it now."""
    given = patch.model_dump(exclude_unset=True)
    edit = {name: value for name, value in given.items() if value is not None or name == "model"}
    return _out(
        await hub.sessions.edit_prompt(session_id, prompt_id, cast("PromptEdit", edit), person)
    )


@router.post("/{prompt_id}/retry", status_code=202)
async def retry_prompt(
    session_id: SessionId, prompt_id: PromptId, hub: Hub, person: Prompter
) -> PromptOut:
    """Say again what failed or was stopped: a new prompt, before what waits. Safe to repeat."""
    return _out(await hub.sessions.retry_prompt(session_id, prompt_id, person))


@router.delete("/{prompt_id}", status_code=204)
async def withdraw_prompt(
    session_id: SessionId, prompt_id: PromptId, hub: Hub, person: Prompter
) -> None:
    """Take a waiting prompt back."""
    await hub.sessions.withdraw(session_id, prompt_id, person)


def _out(view: PromptView) -> PromptOut:
    return _PROMPT.validate_python(view, from_attributes=True)
