"""Comments in a session: for the people there, not for the agent."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from bunkhouse.api.access import Commenter, Hub
from bunkhouse.api.repetition import Key, once_of
from bunkhouse.api.routes.sessions import SessionId
from bunkhouse.api.schemas import Input

router = APIRouter(prefix="/sessions/{session_id}/comments", tags=["sessions"])


class NewComment(Input):
    """What is to be said."""

    text: str


class CommentOut(BaseModel):
    """A comment, as it is in the log."""

    id: str
    author: str
    text: str
    created_at: datetime


@router.post("", status_code=201)
async def create_comment(
    session_id: SessionId, new: NewComment, hub: Hub, person: Commenter, key: Key = None
) -> CommentOut:
    """Say something to the others who read along. The agent does not get it."""
    once = once_of(hub, person, key, f"POST /api/sessions/{session_id}/comments", new)
    posted = await hub.comments.post(session_id, new.text, person, key=once)
    return CommentOut(
        id=posted.id, author=posted.author, text=posted.text, created_at=posted.created_at
    )
