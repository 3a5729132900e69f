"""Sessions that were started within another."""

from fastapi import APIRouter

from bunkhouse.api.access import Hub, Reader
from bunkhouse.api.routes.sessions import SessionId, session_out
from bunkhouse.api.schemas import Page, SessionOut
from bunkhouse.people.permissions import roles_of

router = APIRouter(prefix="/sessions/{session_id}/children", tags=["sessions"])


@router.get("")
async def list_children(session_id: SessionId, hub: Hub, person: Reader) -> Page[SessionOut]:
    """List the sessions that were started within this one and that one may see, oldest first."""
    found = await hub.families.children(session_id)
    standings = await hub.rights.standings([view.id for view in found])
    roles = roles_of(person, standings)
    return Page(items=[session_out(view, roles[view.id]) for view in found if view.id in roles])
