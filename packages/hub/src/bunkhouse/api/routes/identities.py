"""The accounts of other services that one signs in with: list, link, unlink."""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request, Response

from bunkhouse.api.access import Anyone, Hub
from bunkhouse.api.identities import IdentityOut, LinkBegun, LinkIn, ProviderKey
from bunkhouse.api.routes.sign_in import callback_address, remember
from bunkhouse.api.schemas import Page
from bunkhouse.errors import Forbidden
from bunkhouse.people import Person

router = APIRouter(prefix="/me/identities", tags=["people"])


async def _at_a_browser(person: Anyone) -> Person:
    """Refuse tokens: one that leaked must not become a way in that outlives it."""
    if not (person.sign_in or "").startswith("browser:"):
        raise Forbidden(
            "Accounts are linked and unlinked at a browser that is signed in, not with a token.",
            remedy="Open the hub's page.",
            code="browser_needed",
        )
    return person


AtABrowser = Annotated[Person, Depends(_at_a_browser)]


@router.get("")
async def list_identities(hub: Hub, person: Anyone) -> Page[IdentityOut]:
    """List the accounts that you sign in with."""
    accounts = await hub.sign_in.accounts.of(person)
    return Page(
        items=[
            IdentityOut(
                id=each.id,
                provider=cast("ProviderKey", each.provider),
                login=each.login,
                name=each.name,
                email=each.email,
                created_at=each.created_at,
                last_used_at=each.last_used_at,
                usable=each.usable,
            )
            for each in accounts
        ]
    )


@router.post("")
async def link_identity(
    new: LinkIn, request: Request, response: Response, hub: Hub, person: AtABrowser
) -> LinkBegun:
    """Begin to link a further account: go to `url` with the browser that asked."""
    begun = await hub.sign_in.begin(
        new.provider, callback_address(request, hub, new.provider), new.next, link_to=person
    )
    remember(response, request, hub, begun.secret)
    return LinkBegun(url=begun.address)


@router.delete("/{identity_id}", status_code=204)
async def unlink_identity(identity_id: str, hub: Hub, person: AtABrowser) -> None:
    """Unlink an account; the last one that you can sign in with stays."""
    await hub.sign_in.accounts.unlink(person, identity_id)
