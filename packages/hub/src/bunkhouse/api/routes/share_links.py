"""Share links: for owners of a session over the API, and the pages where their links lead.

A link's secret is in an address once: it is exchanged for a cookie, and the pages after that have
none. That of a public link holds it for one session, and lets see that one alone.
"""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from starlette.responses import RedirectResponse

from bunkhouse.api.access import (
    Hub,
    Reader,
    Sharer,
    address_of,
    is_secure,
    public_cookie_name,
    same_origin,
)
from bunkhouse.api.pages import Press, page
from bunkhouse.api.routes.sessions import SessionId
from bunkhouse.api.routes.sign_in import (
    cookie_called,
    forget,
    origin_of,
    present,
    remember_for_a_while,
)
from bunkhouse.api.share_link_schemas import SharedOut, ShareLinkIn, ShareLinkOut, ShareLinksOut
from bunkhouse.errors import BunkhouseError, NotFound, TooManyTries, Unauthorized
from bunkhouse.people import SessionRole
from bunkhouse.people.share_links import Offer

COOKIE = "bunkhouse_share"
"""The secret of the link that this browser has opened and not used yet."""

LinkId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]

pages = APIRouter(include_in_schema=False)
router = APIRouter(prefix="/sessions/{session_id}", tags=["people"])

_A_ROLE: dict[SessionRole, str] = {
    "owner": "an owner",
    "driver": "a driver, who may write to the agent and work in the sandbox",
    "commenter": "a commenter",
    "viewer": "a viewer, who may read along",
}


@router.get("/links")
async def list_share_links(session_id: SessionId, hub: Hub, _person: Sharer) -> ShareLinksOut:
    """List the session's share links that let somebody in, newest first."""
    found = await hub.share_links.of_session(session_id)
    return ShareLinksOut(
        items=[ShareLinkOut(**asdict(each)) for each in found],
        public_allowed=hub.share_links.public_allowed,
    )


@router.post("/links", status_code=201)
async def create_share_link(
    session_id: SessionId, new: ShareLinkIn, request: Request, hub: Hub, person: Sharer
) -> ShareLinkOut:
    """Make a share link. The answer is the only place where it is told."""
    link, secret = await hub.share_links.create(
        session_id, person, role=new.role, public=new.public, uses=new.uses, days=new.days
    )
    return ShareLinkOut(**asdict(link), link=f"{origin_of(request, hub)}/share/{secret}")


@router.delete("/links/{link_id}", status_code=204)
async def revoke_share_link(
    session_id: SessionId, link_id: LinkId, hub: Hub, person: Sharer
) -> None:
    """Make a share link worthless. Who takes part by it stays; a public one shows nothing more."""
    await hub.share_links.revoke(session_id, link_id, person)


@router.get("/shared")
async def get_shared(session_id: SessionId, hub: Hub, person: Reader) -> SharedOut:
    """Say who shows this session to you."""
    link = await hub.share_links.shown_by(person)
    if link is not None:
        return SharedOut(by=link.created_by, until=link.expires_at)
    return SharedOut(by=(await hub.sessions.get(session_id)).author, until=None)


# ── pages ────────────────────────────────────────────────────────────────────────────────────


@pages.get("/share/{secret}")
async def open_link(secret: str, request: Request, hub: Hub) -> Response:
    """Exchange a link for a cookie, and go on without it in the address. Nothing is used of it."""
    try:
        with hub.throttle.attempt(address_of(request)):
            offer = await hub.share_links.look(secret)
    except BunkhouseError as error:
        return _no_good(error)
    headers = {"Cache-Control": "no-store"}
    if not offer.link.public:
        answer = RedirectResponse("/share", status_code=303, headers=headers)
        remember_for_a_while(answer, request, hub, COOKIE, secret)
        return answer
    answer = RedirectResponse(f"/shared/{offer.session_id}", status_code=303, headers=headers)
    answer.set_cookie(
        public_cookie_name(request, offer.session_id),
        secret,
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )
    return answer


@pages.get("/share")
async def show(request: Request, hub: Hub) -> Response:
    """Say what the link is for, and how to use it."""
    try:
        offer = await _offer(request, hub)
        here = await present(request, hub)
    except BunkhouseError as error:
        return _no_good(error)
    shared = f"{offer.link.created_by} shares a session with you, as {_A_ROLE[offer.link.role]}."
    if here is not None:
        return page(
            offer.title,
            shared,
            remedy=f"You are signed in as {here.name}.",
            form=Press("/share", "Open the session"),
        )
    providers = hub.sign_in.offered()
    return page(
        "Sign in to open the session",
        shared,
        remedy="Only people of this installation can open it. Sign in, and you come back here."
        if providers
        else "Only people of this installation can open it. Sign in with your own link first, then "
        "open the one to the session again.",
        ways=[
            (f"Continue with {each.name}", f"/sign-in/{each.key}?next=/share") for each in providers
        ],
    )


@pages.post("/share")
async def use_link(request: Request, hub: Hub) -> Response:
    """Let whoever is signed in take part, and go to the session."""
    try:
        same_origin(request)
        here = await present(request, hub)
        if here is None:
            raise Unauthorized("You are not signed in.", remedy="Sign in, then open it again.")
        secret = _secret(request)
        with hub.throttle.attempt(address_of(request)):
            session_id = await hub.share_links.use(secret, here)
    except BunkhouseError as error:
        return _no_good(error)
    headers = {"Cache-Control": "no-store"}
    answer = RedirectResponse(f"/sessions/{session_id}", status_code=303, headers=headers)
    forget(answer, request, COOKIE)
    return answer


async def _offer(request: Request, hub: Hub) -> Offer:
    secret = _secret(request)
    with hub.throttle.attempt(address_of(request)):
        return await hub.share_links.look(secret)


def _secret(request: Request) -> str:
    secret = request.cookies.get(cookie_called(request, COOKIE))
    if not secret:
        raise NotFound(
            "This browser has opened no share link, or too long ago.",
            remedy="Open the link again.",
            code="share_link_unknown",
        )
    return secret


def _no_good(error: BunkhouseError) -> Response:
    return page(
        "Not now" if isinstance(error, TooManyTries) else "This link opens nothing",
        error.message,
        remedy=error.remedy,
        action=("To the sign-in page" if error.status == 401 else "To your sessions", "/"),
        status=error.status,
        retry_after=error.retry_after,
    )
