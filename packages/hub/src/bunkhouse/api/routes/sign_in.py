"""Signing in with an account of another service, as browsers go through it."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from bunkhouse.addresses import hub_origin
from bunkhouse.api.access import Hub, cookie_name, is_secure
from bunkhouse.api.identities import OfferedProvider, ProviderAnswer, WaysIn
from bunkhouse.api.pages import page
from bunkhouse.errors import BunkhouseError, NotFound
from bunkhouse.people import Person
from bunkhouse.people.admission import NotAdmitted
from bunkhouse.people.signin import Answer

COOKIE = "bunkhouse_sign_in"

pages = APIRouter(include_in_schema=False)
router = APIRouter(tags=["people"])

_audit = structlog.get_logger("bunkhouse.audit")


@router.get("/sign-in")
async def list_ways_in(hub: Hub) -> WaysIn:
    """Say with which accounts one can sign in here."""
    return WaysIn(
        providers=[
            OfferedProvider(key=each.key, name=each.name, start=f"/sign-in/{each.key}")
            for each in hub.sign_in.offered()
        ]
    )


@pages.get("/sign-in/{provider}")
async def begin(
    provider: str,
    request: Request,
    hub: Hub,
    next_path: Annotated[str, Query(alias="next")] = "/",
) -> Response:
    """Send this browser to a provider. Whoever makes it come here gains nothing by it: the answer
    is taken from the browser that was sent."""
    try:
        begun = await hub.sign_in.begin(
            provider, callback_address(request, hub, provider), next_path
        )
    except BunkhouseError as error:
        return _failed(error, provider)
    answer = RedirectResponse(begun.address, status_code=303, headers={"Cache-Control": "no-store"})
    remember(answer, request, hub, begun.secret)
    return answer


@pages.get("/sign-in/{provider}/callback")
async def finish(
    provider: str,
    request: Request,
    hub: Hub,
    said: Annotated[ProviderAnswer, Query()],
) -> Response:
    """Take this browser back from a provider and sign it in, or say why not."""
    try:
        finished = await hub.sign_in.finish(
            provider,
            callback_address(request, hub, provider),
            request.cookies.get(_name(request)),
            Answer(said.code, said.state, said.error, said.iss),
            present=await _present(request, hub),
        )
    except BunkhouseError as error:
        answer = _failed(error, provider)
        _forget(answer, request)
        return answer
    answer = RedirectResponse(
        finished.next_path, status_code=303, headers={"Cache-Control": "no-store"}
    )
    _forget(answer, request)
    if finished.signed_in is not None:
        before = request.cookies.get(cookie_name(request))
        if before:
            # Whoever knew it is signed in no more, nor is whom it signed in before.
            await hub.people.sign_out(before)
        answer.set_cookie(
            cookie_name(request),
            finished.signed_in.secret,
            expires=finished.signed_in.expires_at,
            httponly=True,
            samesite="lax",
            secure=is_secure(request),
        )
    return answer


def callback_address(request: Request, hub: Hub, provider: str) -> str:
    """Give the address at which a provider sends browsers back, as it is registered there."""
    settings = hub.settings
    own = f"{request.url.scheme}://{request.url.netloc}"
    origin = hub_origin(settings) if settings.public_url else own
    return f"{origin}/sign-in/{provider}/callback"


def remember(answer: Response, request: Request, hub: Hub, secret: str) -> None:
    """Give this browser what its attempt to sign in is known by.

    `Lax`: the provider's page sends the browser back, and the cookie must be there then.
    """
    answer.set_cookie(
        _name(request),
        secret,
        max_age=round(hub.settings.sign_in_minutes * 60),
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )


def _forget(answer: Response, request: Request) -> None:
    answer.delete_cookie(_name(request), httponly=True, samesite="lax", secure=is_secure(request))


def _name(request: Request) -> str:
    return f"__Host-{COOKIE}" if is_secure(request) else COOKIE


async def _present(request: Request, hub: Hub) -> Person | None:
    cookie = request.cookies.get(cookie_name(request))
    return await hub.people.by_cookie(cookie) if cookie else None


def _failed(error: BunkhouseError, provider: str) -> Response:
    if not isinstance(error, NotFound):
        _audit.warning("sign-in refused", provider=provider, code=error.reason)
    title = "You are not let in yet" if isinstance(error, NotAdmitted) else "Not signed in"
    again = ("Begin again", f"/sign-in/{provider}")
    elsewhere = ("To the sign-in page", "/")
    return page(
        title,
        error.message,
        remedy=error.remedy,
        action=elsewhere if isinstance(error, (NotAdmitted, NotFound)) else again,
        status=error.status,
    )
