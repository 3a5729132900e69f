"""Back to an earlier prompt, forward again, and copies of sessions."""

from fastapi import APIRouter

from bunkhouse.api.access import Forker, Hub, Rewinder
from bunkhouse.api.repetition import Key, once_of
from bunkhouse.api.routes.sessions import SessionId, session_out, shown_to
from bunkhouse.api.schemas import Fork, Rewind, SessionOut

router = APIRouter(prefix="/sessions/{session_id}", tags=["sessions"])


@router.post("/rewind", status_code=202)
async def rewind_session(
    session_id: SessionId, where: Rewind, hub: Hub, person: Rewinder
) -> SessionOut:
    """Go back to just before a prompt, with chat and files; or forward again."""
    await hub.rewinders.rewind(session_id, where.seq, person)
    return await shown_to(person, await hub.sessions.get(session_id), hub)


@router.post("/fork", status_code=201)
async def fork_session(
    session_id: SessionId, hub: Hub, person: Forker, of: Fork | None = None, key: Key = None
) -> SessionOut:
    """Make a new session of this one, with chat and files as they were just before a prompt."""
    of = of or Fork(seq=None)
    once = once_of(hub, person, key, f"POST /api/sessions/{session_id}/fork", of)
    return session_out(await hub.forks.fork(session_id, of.seq, person, key=once), "owner")
