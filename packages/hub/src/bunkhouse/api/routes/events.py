"""A session's log, as a stream or as pages, and the stream of the list."""

from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from bunkhouse.api import sse
from bunkhouse.api.access import Hub, Lister, Reader, Typist, leave_of, present_as
from bunkhouse.api.live import Live, Shown
from bunkhouse.api.routes.sessions import SessionId
from bunkhouse.api.schemas import EventPage, OpeningOut, Typing, Usage
from bunkhouse.api.services import Services
from bunkhouse.errors import InvalidInput
from bunkhouse.sessions.opening import Opening
from bunkhouse_protocol.events import Event

router = APIRouter(tags=["events"])

_SEQ_LIMIT = 2**31 - 1  # what the store counts
_PAGE_LIMIT = 5000


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
    person: Reader,
    after: Annotated[int, Query(ge=0, lt=_SEQ_LIMIT)] = 0,
    before: Annotated[int | None, Query(ge=1, lt=_SEQ_LIMIT)] = None,
    tail: Annotated[int | None, Query(ge=1, le=_PAGE_LIMIT)] = None,
    limit: Annotated[int, Query(ge=1, le=_PAGE_LIMIT)] = 500,
    folded: bool = False,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Follow the log of a session, from `after` (or `Last-Event-ID`, which wins) onwards.

    With `Accept: application/json` the answer is a page of at most `limit` events: those above
    `after`, those right before `before`, or with `tail` so many of the last. With `folded` the
    texts that streamed in the past come whole instead of in the frames in which they came.
    """
    session = await hub.sessions.get(session_id)
    if _wants_json(request):
        if before is None and tail is None:
            events = await hub.sessions.events(session_id, after, limit, folded=folded)
            return _page(events, session.last_seq, more=len(events) >= limit)
        # With both, those are meant that are the last ones before `before`.
        events, opening = await hub.sessions.events_before(
            session_id, before, tail or limit, folded=folded
        )
        return _page(events, session.last_seq, opening)
    if before is not None or tail is not None:
        raise InvalidInput(
            "A stream goes forward only.", remedy="Ask with `Accept: application/json` for a page."
        )
    if last_event_id is not None and last_event_id.isdecimal():
        after = min(int(last_event_id), _SEQ_LIMIT)
    leave = leave_of(hub, person, "session.read", session_id)
    return sse.respond(_log(hub, session_id, after, folded), hub.closing, leave)


def _page(
    events: Sequence[Event], last_seq: int, opening: Opening | None = None, *, more: bool = False
) -> Response:
    """`last_seq` was read before the events; `more`: there may be some above what it says."""
    following = preceding = None
    if events:
        last, first = events[-1].seq, events[0].first_seq or events[0].seq
        following = last if more or last < last_seq else None
        preceding = first if first > 1 else None
    page = EventPage.model_construct(
        items=list(events),
        next=following,
        previous=preceding,
        opening=None if opening is None else _opening(opening),
    )
    return JSONResponse(page.model_dump(mode="json"), headers={"Cache-Control": "no-store"})


def _opening(opening: Opening) -> OpeningOut:
    usage = Usage(
        turns=opening.turns,
        input_tokens=opening.input_tokens,
        output_tokens=opening.output_tokens,
        cost=opening.cost,
    )
    return OpeningOut.model_construct(events=opening.events, usage=usage)


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


_LIVE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Event `system` (SystemStatus), `session` (SessionOut), `session_deleted` "
        "(SessionDeleted), `presence` (PresenceOut), `log` (LogItems), and `ready` after what "
        "there is.",
        "content": {
            "text/event-stream": {
                "schema": {
                    "oneOf": [
                        {"$ref": f"#/components/schemas/{name}"}
                        for name in (
                            "SessionOut",
                            "SessionDeleted",
                            "SystemStatus",
                            "PresenceOut",
                            "LogItems",
                        )
                    ]
                }
            }
        },
    }
}


@router.get("/events", response_model=None, responses=_LIVE)
async def follow_live(
    *,
    request: Request,
    hub: Hub,
    person: Lister,
    session: Annotated[str | None, Query(max_length=64)] = None,
    after: Annotated[int, Query(ge=0, lt=_SEQ_LIMIT)] = 0,
) -> Response:
    """Follow all that a page shows: the newest 100 sessions, who is where, then every change.

    Of sessions that one may see. With `session` also that session's log above `after`, folded where
    it is. One who asks for it counts as looking at the session as long as they read.
    """
    live: Live = request.app.state.live
    shown = None if session is None else Shown(session, after)
    stream = live.stream(person, present_as(request, person), shown)
    return sse.respond(stream, hub.closing, leave_of(hub, person, "sessions.list"))


@router.post("/sessions/{session_id}/typing", status_code=204)
async def say_typing(
    request: Request, session_id: SessionId, typing: Typing, hub: Hub, person: Typist
) -> None:
    """Say that one writes a prompt, for the others to see; forgotten after six seconds."""
    await hub.sessions.get(session_id)
    hub.presence.type(session_id, present_as(request, person), typing=typing.typing)


def _wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/event-stream" not in accept
