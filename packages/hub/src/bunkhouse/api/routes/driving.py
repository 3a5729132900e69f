"""A person works in the agent's place, and hands back."""

from fastapi import APIRouter

from bunkhouse.api.access import Driver, Hub
from bunkhouse.api.routes.sessions import SessionId, shown_to
from bunkhouse.api.schemas import HandBack, SessionOut

router = APIRouter(prefix="/sessions/{session_id}", tags=["driving"])


@router.post("/drive", status_code=202)
async def drive(session_id: SessionId, hub: Hub, person: Driver) -> SessionOut:
    """Have the agent rest at its next safe point; `driver` says when that is so."""
    return await shown_to(person, await hub.drivers.drive(session_id, person), hub)


@router.post("/hand-back", status_code=202)
async def hand_back(session_id: SessionId, back: HandBack, hub: Hub, person: Driver) -> SessionOut:
    """Hand back: the agent is told what was done, and goes on. Anybody may, for who drives."""
    return await shown_to(person, await hub.drivers.hand_back(session_id, back.note, person), hub)


@router.delete("/drive", status_code=202)
async def give_up_drive(session_id: SessionId, hub: Hub, person: Driver) -> SessionOut:
    """Drive no more, without a word to the agent; prompts that wait are worked on."""
    return await shown_to(person, await hub.drivers.give_up(session_id, person), hub)
