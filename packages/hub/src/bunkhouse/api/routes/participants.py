"""Who takes part in a session."""

from dataclasses import asdict

from fastapi import APIRouter

from bunkhouse.api.access import ASKED_FURTHER, DetailsReader, Hub, Leaver, Sharer
from bunkhouse.api.people_schemas import ParticipantIn, ParticipantOut, PersonId
from bunkhouse.api.routes.sessions import SessionId
from bunkhouse.api.schemas import Page

router = APIRouter(prefix="/sessions/{session_id}/people", tags=["people"])


@router.get("")
async def list_participants(
    session_id: SessionId, hub: Hub, _person: DetailsReader
) -> Page[ParticipantOut]:
    """List who takes part: the author, then the others as they came."""
    found = await hub.participants.of(session_id)
    return Page(items=[ParticipantOut(**asdict(each)) for each in found])


@router.put("/{user_id}")
async def put_participant(
    session_id: SessionId, user_id: PersonId, wanted: ParticipantIn, hub: Hub, person: Sharer
) -> ParticipantOut:
    """Let somebody take part, or give them another role. Whoever began it stays its owner."""
    put = await hub.participants.put(session_id, user_id, wanted.role, person)
    return ParticipantOut(**asdict(put))


@router.delete("/{user_id}", status_code=204)
async def remove_participant(
    session_id: SessionId, user_id: PersonId, hub: Hub, person: Leaver
) -> None:
    """Let somebody take part no longer; oneself may go without being an owner."""
    if user_id != person.id:
        await hub.rights.require(person, ASKED_FURTHER["removeParticipant others"], session_id)
    await hub.participants.remove(session_id, user_id, person)
