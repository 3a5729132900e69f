"""The person who asks (who they are, their tokens, signing out), and all others."""

from dataclasses import asdict

from fastapi import APIRouter, Request, Response

from bunkhouse.api.access import (
    Anyone,
    Hub,
    PeopleManager,
    PeopleReader,
    TokenOwner,
    cookie_name,
    is_secure,
)
from bunkhouse.api.people_schemas import (
    Me,
    PersonId,
    PersonOut,
    PersonPatch,
    TokenIn,
    TokenOut,
    TokensOut,
)
from bunkhouse.api.schemas import Page
from bunkhouse.errors import InvalidInput
from bunkhouse.people import ApiToken
from bunkhouse.people.directory import Entry
from bunkhouse.people.permissions import may_here
from bunkhouse.people.tokens import TokenRules

router = APIRouter(tags=["people"])


@router.get("/me")
async def get_me(person: Anyone) -> Me:
    """Say who is signed in."""
    role = "admin" if person.role == "admin" else "member"
    return Me(id=person.id, name=person.name, role=role)


@router.post("/sign-out", status_code=204)
async def sign_out(request: Request, response: Response, hub: Hub, _person: Anyone) -> None:
    """Sign this browser out."""
    cookie = request.cookies.get(cookie_name(request))
    if cookie:
        await hub.people.sign_out(cookie)
    response.delete_cookie(cookie_name(request), secure=is_secure(request))


@router.get("/people")
async def list_people(hub: Hub, person: PeopleReader) -> Page[PersonOut]:
    """List people, by name. To one who is no admin: those who may sign in, and names alone."""
    everybody = await hub.directory.everybody()
    if may_here(person, "people.manage"):
        return Page(items=[_person(entry) for entry in everybody])
    active = [entry for entry in everybody if entry.deactivated_at is None]
    names = [
        PersonOut(id=each.id, name=each.name, role=None, created_at=None, deactivated_at=None)
        for each in active
    ]
    return Page(items=names)


@router.patch("/people/{person_id}")
async def change_person(
    person_id: PersonId, patch: PersonPatch, hub: Hub, person: PeopleManager
) -> PersonOut:
    """Change somebody's role, or let them sign in again. The last admin stays one."""
    entry = None
    if patch.role is not None:
        entry = await hub.directory.set_role(person_id, patch.role, person)
    if patch.active:
        entry = await hub.directory.reactivate(person_id, person)
    if entry is None:
        raise InvalidInput("There is nothing to change.", remedy="Give `role` or `active`.")
    return _person(entry)


@router.delete("/people/{person_id}", status_code=204)
async def deactivate_person(person_id: PersonId, hub: Hub, person: PeopleManager) -> None:
    """Sign somebody out everywhere for good, and revoke their tokens. What they did stays."""
    await hub.directory.deactivate(person_id, person)


@router.get("/tokens")
async def list_tokens(hub: Hub, person: TokenOwner) -> TokensOut:
    """List your tokens."""
    return TokensOut(
        items=[_out(token) for token in await hub.people.tokens(person)],
        never_allowed=TokenRules.of(hub.settings).never,
    )


@router.post("/tokens", status_code=201)
async def create_token(new: TokenIn, hub: Hub, person: TokenOwner) -> TokenOut:
    """Make a token. The answer is the only place where it is told."""
    token, secret = await hub.people.create_token(
        person,
        new.name,
        scopes=new.scopes,
        rules=TokenRules.of(hub.settings),
        days=new.days,
        never=new.never,
    )
    return _out(token, secret)


@router.delete("/tokens/{token_id}", status_code=204)
async def revoke_token(token_id: str, hub: Hub, person: TokenOwner) -> None:
    """Make a token worthless."""
    await hub.people.revoke_token(person, token_id)


def _out(token: ApiToken, secret: str | None = None) -> TokenOut:
    return TokenOut(
        id=token.id,
        name=token.name,
        scopes=list(token.scopes),
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
        token=secret,
    )


def _person(entry: Entry) -> PersonOut:
    return PersonOut(**asdict(entry))
