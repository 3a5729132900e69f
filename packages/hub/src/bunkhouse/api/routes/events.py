"""A session's log, as a stream or as pages, and the stream of the list."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from bunkhouse.api import sse
from bunkhouse.api.access import Hub, Reader
from bunkhouse.api.overview import overview
from bunkhouse.api.routes.sessions import SessionId
from bunkhouse.api.schemas import EventPage
from bunkhouse.api.services import Services

router = APIRouter(tags=["events"])

_SEQ_LIMIT = 2**53  # what JavaScript counts exactly


@router.get(
    "/sessions/{session_id}/events",
    response_model=None,
    responses={
        200: {
            "description": "The events above `after`, as they come; or one page of them.",
            "model": EventPage,
            "content": {
                "text/event-stream": {"schema": {"$ref": "#/components/schemas/Event"}},
            },
        }
    },
)
async def follow_events(
    *,
    request: Request,
    session_id: SessionId,
    hub: Hub,
    _person: Reader,
    after: Annotated[int, Query(ge=0, lt=_SEQ_LIMIT)] = 0,
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
    folded: bool = False,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Follow the log of a session, from `after` (or `Last-Event-ID`, which wins) onwards.

    With `Accept: application/json` the answer is a page of at most `limit` events. With `folded`
    the texts that streamed in the past come whole instead of in the frames in which they came.
    """
    session = await hub.sessions.get(session_id)
    if _wants_json(request):
        events = await hub.sessions.events(session_id, after, limit, folded=folded)
        # The session was read before its events, so the log may go on above what it says.
        more = len(events) > 0 and (len(events) >= limit or events[-1].seq < session.last_seq)
        page = EventPage.model_construct(items=list(events), next=events[-1].seq if more else None)
        return JSONResponse(page.model_dump(mode="json"), headers={"Cache-Control": "no-store"})
    if last_event_id is not None and last_event_id.isdecimal():
        after = min(int(last_event_id), _SEQ_LIMIT)
    return sse.respond(_log(hub, session_id, after, folded), hub.closing)


async def _log(
    hub: Services, session_id: str, after: int, folded: bool
) -> AsyncGenerator[bytes, None]:
    batches = hub.sessions.follow(session_id, after, folded=folded)
    try:
        async for batch in batches:
            if batch:
                yield sse.encode_events(batch)
    finally:
        await sse.close(batches)


_OVERVIEW: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Event `session` (SessionOut), `session_deleted` (SessionDeleted), "
        "`system` (SystemStatus), and `ready` after the sessions that there are.",
        "content": {
            "text/event-stream": {
                "schema": {
                    "oneOf": [
                        {"$ref": "#/components/schemas/SessionOut"},
                        {"$ref": "#/components/schemas/SessionDeleted"},
                        {"$ref": "#/components/schemas/SystemStatus"},
                    ]
                }
            }
        },
    }
}


@router.get("/events", response_model=None, responses=_OVERVIEW)
async def follow_overview(hub: Hub, _person: Reader) -> Response:
    """Follow what the list shows: the newest 100 sessions, `ready`, then every change."""
    return sse.respond(overview(hub), hub.closing)


def _wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/event-stream" not in accept
