"""The pull request of a session's branch."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from bunkhouse.api.access import DetailsReader, Hub, Publisher
from bunkhouse.api.routes.sessions import SessionId, shown_to
from bunkhouse.api.schemas import Input, SessionOut
from bunkhouse.api.services import PullRequests, Services
from bunkhouse.errors import NotFound
from bunkhouse.sessions.pull_requests import Wanted

router = APIRouter(prefix="/sessions/{session_id}/pull-request", tags=["sessions"])


class PullRequestIn(Input):
    """How a pull request is to be; what is left out stays, or is as the draft says."""

    title: str | None = Field(None, min_length=1, max_length=256)
    body: str | None = Field(None, max_length=65_536)
    base: str | None = Field(None, min_length=1, max_length=255)
    """Of a new one: the branch that it is to be merged into; else that where the session began."""
    draft: bool = False
    """Of a new one: it is not to be reviewed yet."""


class DraftOut(BaseModel):
    """What a new pull request would say: the session's title, and what the agent said last."""

    title: str
    body: str


@router.get("/draft")
async def draft_pull_request(session_id: SessionId, hub: Hub, person: DetailsReader) -> DraftOut:
    """Give title and body to begin with."""
    found = await _service(hub).draft(session_id)
    return DraftOut(title=found.title[:256], body=found.body[:65_536])


@router.post("", status_code=201, responses={200: {"model": SessionOut}})
async def open_pull_request(
    session_id: SessionId,
    hub: Hub,
    person: Publisher,
    answer: Response,
    wanted: PullRequestIn | None = None,
) -> SessionOut:
    """Commit and push what was done, with your own rights, and open a pull request of it.

    One that is open already is brought up to the work, and changed as given (200).
    """
    given = wanted or PullRequestIn(title=None, body=None, base=None)
    new = await _service(hub).open(
        session_id, Wanted(given.title, given.body, given.base, given.draft), person
    )
    if not new:
        answer.status_code = 200
    return await shown_to(person, await hub.sessions.get(session_id), hub)


@router.post("/refresh")
async def refresh_pull_request(session_id: SessionId, hub: Hub, person: Publisher) -> SessionOut:
    """Ask the forge how it is: reviews, comments and checks come into the log."""
    await _service(hub).refresh(session_id, person)
    return await shown_to(person, await hub.sessions.get(session_id), hub)


def _service(hub: Services) -> PullRequests:
    if hub.pull_requests is None:
        raise NotFound("This installation has no forge.")
    return hub.pull_requests
