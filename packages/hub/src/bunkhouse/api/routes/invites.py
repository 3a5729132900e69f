"""Invites: for admins over the API, and the pages where their links lead."""

from dataclasses import asdict
from typing import Annotated
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Path, Request, Response
from starlette.responses import RedirectResponse

from bunkhouse.api.access import Hub, PeopleManager, address_of, same_origin
from bunkhouse.api.pages import Form, page
from bunkhouse.api.people_schemas import InviteIn, InviteOut
from bunkhouse.api.routes.sign_in import let_in, origin_of, present, sent
from bunkhouse.api.schemas import Page
from bunkhouse.errors import BunkhouseError, InvalidInput, TooManyTries
from bunkhouse.people import Person
from bunkhouse.people.invites import LONGEST_NAME, Invite

InviteId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]

pages = APIRouter(include_in_schema=False)
router = APIRouter(prefix="/invites", tags=["people"])


@router.get("")
async def list_invites(hub: Hub, _person: PeopleManager) -> Page[InviteOut]:
    """List the invites that still let somebody in, newest first."""
    return Page(items=[InviteOut(**asdict(each)) for each in await hub.invites.listed()])


@router.post("", status_code=201)
async def create_invite(
    new: InviteIn, request: Request, hub: Hub, person: PeopleManager
) -> InviteOut:
    """Make an invite. The answer is the only place where its link is told."""
    invite, secret = await hub.invites.create(
        person, role=new.role, email=new.email, uses=new.uses, days=new.days
    )
    return InviteOut(**asdict(invite), link=f"{origin_of(request, hub)}/invite/{secret}")


@router.delete("/{invite_id}", status_code=204)
async def revoke_invite(invite_id: InviteId, hub: Hub, person: PeopleManager) -> None:
    """Make an invite worthless. Who came by it stays."""
    await hub.invites.revoke(invite_id, person)


@pages.get("/invite/{secret}")
async def show(secret: str, request: Request, hub: Hub) -> Response:
    """Say who invites as what, and how to come in. Nothing is used by looking: what makes previews
    of links looks, too."""
    here = await present(request, hub)
    if here is not None:
        return _here_already(here)
    try:
        with hub.throttle.attempt(address_of(request)):
            invite = await hub.invites.look(secret)
    except BunkhouseError as error:
        return _no_good(error)
    return _invitation(secret, invite, hub)


@pages.post("/invite/{secret}")
async def join(secret: str, request: Request, hub: Hub) -> Response:
    """Make a person of the name that was typed, and sign this browser in as them."""
    given = parse_qs((await request.body()).decode("utf-8", "replace"))
    name = given.get("name", [""])[0]
    try:
        same_origin(request)
        here = await present(request, hub)
        if here is not None:
            return _here_already(here)
        with hub.throttle.attempt(address_of(request)):
            invite = await hub.invites.look(secret)
        try:
            signed_in = await hub.invites.join(secret, name)
        except InvalidInput as error:
            return _invitation(secret, invite, hub, error, name)
    except BunkhouseError as error:
        return _no_good(error)
    answer = RedirectResponse("/", status_code=303, headers={"Cache-Control": "no-store"})
    await let_in(answer, request, hub, signed_in)
    return answer


@pages.get("/invite/{secret}/{provider}")
async def join_with(secret: str, provider: str, request: Request, hub: Hub) -> Response:
    """Send this browser to a provider, with the invite in a cookie; it is used when it is back."""
    here = await present(request, hub)
    if here is not None:
        return _here_already(here)
    try:
        with hub.throttle.attempt(address_of(request)):
            await hub.invites.look(secret)
    except BunkhouseError as error:
        return _no_good(error)
    return await sent(request, hub, provider, "/", secret)


def _invitation(
    secret: str,
    invite: Invite,
    hub: Hub,
    wrong: InvalidInput | None = None,
    name: str = "",
) -> Response:
    address = f"/invite/{quote(secret)}"
    role = "an admin" if invite.role == "admin" else "a member"
    message = f"{invite.created_by} invites you to this Bunkhouse, as {role}."
    providers = hub.sign_in.offered()
    if providers:
        return page(
            "You are invited",
            message,
            remedy=f"Continue with the account that has the address {invite.email}, verified."
            if invite.email
            else "Continue with an account that you have already.",
            ways=[(f"Continue with {each.name}", f"{address}/{each.key}") for each in providers],
        )
    if invite.email is not None:
        return page(
            "This invitation is for an e-mail address",
            "There is nobody here any more who could say whether that is yours.",
            remedy="Ask whoever invited you for an invitation without an address.",
            status=409,
        )
    return page(
        "You are invited",
        message,
        remedy=f"{wrong.message} {wrong.remedy}"
        if wrong
        else "There is no password: you stay signed in with this browser, and with it alone.",
        form=Form(address, "Your name", "name", LONGEST_NAME, "Come in", name),
        status=wrong.status if wrong else 200,
    )


def _here_already(person: Person) -> Response:
    return page(
        "You are here already",
        f"You are signed in as {person.name}. Nothing was used of the invitation.",
        remedy="To come in as somebody else, sign out first, or open it in another browser.",
        action=("To your sessions", "/"),
    )


def _no_good(error: BunkhouseError) -> Response:
    return page(
        "Not now" if isinstance(error, TooManyTries) else "This invitation is not good",
        error.message,
        remedy=error.remedy,
        action=("To the sign-in page", "/"),
        status=error.status,
        retry_after=error.retry_after,
    )
