"""The person who asks: who they are, their tokens, signing out."""

from fastapi import APIRouter, Request, Response

from bunkhouse.api.access import Anyone, Hub, TokenOwner, cookie_name, is_secure
from bunkhouse.api.schemas import Me, Page, TokenIn, TokenOut
from bunkhouse.people import ApiToken

router = APIRouter(tags=["people"])


@router.get("/me")
async def get_me(person: Anyone) -> Me:
    """Say who is signed in."""
    return Me(id=person.id, name=person.name, role=person.role)


@router.post("/sign-out", status_code=204)
async def sign_out(request: Request, response: Response, hub: Hub, _person: Anyone) -> None:
    """Sign this browser out."""
    cookie = request.cookies.get(cookie_name(request))
    if cookie:
        await hub.people.sign_out(cookie)
    response.delete_cookie(cookie_name(request), secure=is_secure(request))


@router.get("/tokens")
async def list_tokens(hub: Hub, person: TokenOwner) -> Page[TokenOut]:
    """List your tokens."""
    return Page(items=[_out(token) for token in await hub.people.tokens(person)])


@router.post("/tokens", status_code=201)
async def create_token(new: TokenIn, hub: Hub, person: TokenOwner) -> TokenOut:
    """Make a token. The answer is the only place where it is told."""
    token, secret = await hub.people.create_token(person, new.name)
    return _out(token, secret)


@router.delete("/tokens/{token_id}", status_code=204)
async def revoke_token(token_id: str, hub: Hub, person: TokenOwner) -> None:
    """Make a token worthless."""
    await hub.people.revoke_token(person, token_id)


def _out(token: ApiToken, secret: str | None = None) -> TokenOut:
    return TokenOut(
        id=token.id,
        name=token.name,
        created_at=token.created_at,
        last_used_at=token.last_used_at,
        token=secret,
    )
