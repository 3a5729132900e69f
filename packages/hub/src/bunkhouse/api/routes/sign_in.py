"""Signing in with an account of another service, as browsers go through it."""

from typing import Annotated
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from bunkhouse.addresses import hub_origin
from bunkhouse.api.access import Hub, address_of, cookie_name, is_secure, set_cookie
from bunkhouse.api.identities import OfferedProvider, ProviderAnswer, WaysIn
from bunkhouse.api.pages import page
from bunkhouse.errors import BunkhouseError, NotFound
from bunkhouse.people import Person, SignedIn
from bunkhouse.people.admission import NotAdmitted
from bunkhouse.people.invites import InviteOver
from bunkhouse.people.signin import Answer

COOKIE = "bunkhouse_sign_in"
INVITE_COOKIE = "bunkhouse_invite"
"""The secret of the invite with which an attempt to sign in began."""

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
    return await sent(request, hub, provider, next_path)


@pages.get("/sign-in/{provider}/callback")
async def finish(
    provider: str,
    request: Request,
    hub: Hub,
    said: Annotated[ProviderAnswer, Query()],
) -> Response:
    """Take this browser back from a provider and sign it in, or say why not."""
    if provider == "github" and said.setup_action is not None and not said.state:
        return await _installed(request, hub)
    invite = request.cookies.get(cookie_called(request, INVITE_COOKIE))
    try:
        with hub.throttle.attempt(address_of(request)):
            finished = await hub.sign_in.finish(
                provider,
                callback_address(request, hub, provider),
                request.cookies.get(cookie_called(request, COOKIE)),
                Answer(said.code, said.state, said.error, said.iss),
                present=await present(request, hub),
                redeem=hub.invites.redeeming(invite) if invite else None,
            )
    except BunkhouseError as error:
        answer = await _not_let_in(error, hub, provider, invite)
        forget(answer, request, COOKIE, INVITE_COOKIE)
        return answer
    answer = RedirectResponse(
        finished.next_path, status_code=303, headers={"Cache-Control": "no-store"}
    )
    forget(answer, request, COOKIE, INVITE_COOKIE)
    if finished.signed_in is not None:
        await let_in(answer, request, hub, finished.signed_in)
    return answer


async def _installed(request: Request, hub: Hub) -> Response:
    """Take back a browser that installed the GitHub App.

    GitHub gives it a code, but nobody here asked for that: any browser can be sent here with any
    code. So it is left alone, and who is not signed in begins to sign in as always.
    """
    here = await present(request, hub) is not None
    return RedirectResponse(
        "/settings/accounts" if here else "/sign-in/github",
        status_code=303,
        headers={"Cache-Control": "no-store"},
    )


async def sent(
    request: Request, hub: Hub, provider: str, next_path: str, invite: str | None = None
) -> Response:
    """Send this browser to a provider; `invite`: the secret of the one that it comes with."""
    try:
        hub.throttle.begin(address_of(request))
        begun = await hub.sign_in.begin(
            provider, callback_address(request, hub, provider), next_path
        )
    except BunkhouseError as error:
        return _failed(error, provider)
    answer = RedirectResponse(begun.address, status_code=303, headers={"Cache-Control": "no-store"})
    remember(answer, request, hub, begun.secret)
    if invite is not None:
        remember_for_a_while(answer, request, hub, INVITE_COOKIE, invite)
    else:
        forget(answer, request, INVITE_COOKIE)  # that of another attempt
    return answer


async def let_in(answer: Response, request: Request, hub: Hub, signed_in: SignedIn) -> None:
    """Sign this browser in, as nobody else any more."""
    before = request.cookies.get(cookie_name(request))
    if before:
        # Whoever knew it is signed in no more, nor is whom it signed in before.
        await hub.people.sign_out(before)
    set_cookie(answer, request, signed_in.secret, signed_in.expires_at)


def callback_address(request: Request, hub: Hub, provider: str) -> str:
    """Give the address at which a provider sends browsers back, as it is registered there."""
    return f"{origin_of(request, hub)}/sign-in/{provider}/callback"


def origin_of(request: Request, hub: Hub) -> str:
    """Give the origin by which people reach the hub: as it is set, or as it was asked."""
    own = f"{request.url.scheme}://{request.url.netloc}"
    return hub_origin(hub.settings) if hub.settings.public_url else own


def remember(answer: Response, request: Request, hub: Hub, secret: str) -> None:
    """Give this browser what its attempt to sign in is known by.

    `Lax`: the provider's page sends the browser back, and the cookie must be there then.
    """
    remember_for_a_while(answer, request, hub, COOKIE, secret)


async def present(request: Request, hub: Hub) -> Person | None:
    """As whom this browser is signed in already."""
    cookie = request.cookies.get(cookie_name(request))
    return await hub.people.by_cookie(cookie) if cookie else None


def remember_for_a_while(
    answer: Response, request: Request, hub: Hub, cookie: str, secret: str
) -> None:
    """Give this browser a secret until it has signed in."""
    answer.set_cookie(
        cookie_called(request, cookie),
        secret,
        max_age=round(hub.settings.sign_in_minutes * 60),
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )


def forget(answer: Response, request: Request, *cookies: str) -> None:
    """Take from this browser what it was given for a while."""
    for cookie in cookies:
        name = cookie_called(request, cookie)
        if name in request.cookies:
            answer.delete_cookie(name, httponly=True, samesite="lax", secure=is_secure(request))


def cookie_called(request: Request, cookie: str) -> str:
    """Name a cookie as this browser has it."""
    return f"__Host-{cookie}" if is_secure(request) else cookie


async def _not_let_in(
    error: BunkhouseError, hub: Hub, provider: str, invite: str | None
) -> Response:
    if invite is None:
        return _failed(error, provider)
    if error.reason == "invitation_needed":
        # It had an invitation, so what is to be said is what is wrong with that.
        try:
            await hub.invites.look(invite)
        except BunkhouseError as wrong:
            return _failed(wrong, provider)
    return _failed(error, provider, again=("Back to the invitation", f"/invite/{quote(invite)}"))


def _failed(
    error: BunkhouseError, provider: str, *, again: tuple[str, str] | None = None
) -> Response:
    if not isinstance(error, NotFound):
        _audit.warning("sign-in refused", provider=provider, code=error.reason)
    refused = isinstance(error, (NotAdmitted, InviteOver))
    if again is None:
        elsewhere = refused or isinstance(error, NotFound)
        again = (
            ("To the sign-in page", "/") if elsewhere else ("Begin again", f"/sign-in/{provider}")
        )
    return page(
        "You are not let in yet" if refused else "Not signed in",
        error.message,
        remedy=error.remedy,
        action=again,
        status=error.status,
        retry_after=error.retry_after,
    )
