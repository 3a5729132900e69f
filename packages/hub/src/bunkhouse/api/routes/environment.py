"""What runs in a sandbox beside the agent: editor, desktop, and views of what speaks HTTP."""

from dataclasses import asdict

from fastapi import APIRouter

from bunkhouse.api.access import DetailsReader, Hub, User
from bunkhouse.api.routes.sessions import SessionId
from bunkhouse.api.schemas import DriverOut, NewView, ServicesOut, ViewOut
from bunkhouse.errors import Unavailable
from bunkhouse_protocol.events import ServiceName
from bunkhouse_protocol.gateway import ServiceStatus

router = APIRouter(prefix="/sessions/{session_id}", tags=["environment"])


@router.get("/services")
async def list_services(session_id: SessionId, hub: Hub, _person: DetailsReader) -> ServicesOut:
    """Show what runs in the sandbox, what it costs, and what listens. The sandbox must run."""
    session = await hub.sessions.get(session_id)
    services = await hub.environment.services(session_id)
    drive = None if session.driver is None else DriverOut(**asdict(session.driver))
    return ServicesOut(**services.model_dump(), drive=drive)


@router.post("/services/{name}")
async def start_service(
    session_id: SessionId, name: ServiceName, hub: Hub, person: User
) -> ServiceStatus:
    """Start the editor or the desktop; answers when it is ready. One start serves all who ask."""
    return await hub.environment.start_service(session_id, name, person)


@router.delete("/services/{name}", status_code=204)
async def stop_service(session_id: SessionId, name: ServiceName, hub: Hub, _person: User) -> None:
    """Stop it; nothing happens if it does not run."""
    await hub.environment.stop_service(session_id, name)


@router.post("/views")
async def create_view(session_id: SessionId, new: NewView, hub: Hub, person: User) -> ViewOut:
    """Let this person's browser look at the editor, or at what listens at a port."""
    await hub.sessions.get(session_id)
    if hub.apps is None:
        raise Unavailable("This hub shows nothing from sandboxes.")
    view = await hub.apps.view(person, session_id, new.app, new.path)
    return ViewOut(url=view.url, link=view.link, mode=view.mode, notice=view.notice)
