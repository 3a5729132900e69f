"""What a person lets the hub do for them at forges. Tokens come in here and never go out."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, SecretStr

from bunkhouse.api.access import GrantOwner, Hub
from bunkhouse.api.schemas import Input, Page
from bunkhouse.api.services import Services
from bunkhouse.errors import InvalidInput, NotFound
from bunkhouse.forges import Grant, Grants

router = APIRouter(tags=["people"])

ForgeKind = Literal["github"]


class GrantIn(Input):
    """A token that you made at the forge."""

    token: SecretStr = Field(min_length=1, max_length=1024)


class GrantOut(BaseModel):
    """What you let the hub do at a forge."""

    forge: ForgeKind
    host: str
    kind: Literal["token", "oauth", "app"]
    """A token that you made; or that of an OAuth App or a GitHub App that you signed in with."""
    login: str
    name: str
    scopes: list[str]
    """As the forge names them; empty where its tokens have finer rights."""
    created_at: datetime
    expires_at: datetime | None
    """When it ends unless it is replaced before; null: not by itself."""
    revoked: bool
    """The forge does not take it any more: sign in again, or give a new token."""
    install_url: str | None
    """Of a GitHub App's, where one chooses the repositories that it may see."""


@router.get("/me/grants")
async def list_grants(hub: Hub, person: GrantOwner) -> Page[GrantOut]:
    """List what you let the hub do at forges."""
    return Page(items=[_out(grant, hub) for grant in await _grants(hub).of(person.id)])


@router.put("/me/grants/{forge}")
async def put_grant(forge: ForgeKind, new: GrantIn, hub: Hub, person: GrantOwner) -> GrantOut:
    """Give a token in place of what there was; the forge is asked whose it is."""
    grants = _grants(hub)
    token = new.token.get_secret_value().strip()
    if not token or not all("!" <= character <= "~" for character in token):
        raise InvalidInput("A token has letters, digits and signs alone.")
    kept = await grants.keep_token(person.id, grants.forge(forge).host, token)
    return _out(kept, hub)


@router.delete("/me/grants/{forge}", status_code=204)
async def delete_grant(forge: ForgeKind, hub: Hub, person: GrantOwner) -> None:
    """Have it forgotten here. At the forge, revoke it yourself."""
    grants = _grants(hub)
    await grants.forget(person.id, grants.forge(forge).host)


def _grants(hub: Services) -> Grants:
    if hub.grants is None:
        raise NotFound("This installation has no forge.")
    return hub.grants


def _out(grant: Grant, hub: Services) -> GrantOut:
    app = hub.github_app.app if hub.github_app and hub.github_app.in_use else None
    installed = app is not None and grant.kind == "app" and grant.host == app.host
    return GrantOut(
        forge="github",
        host=grant.host,
        kind=grant.kind,
        login=grant.account.login,
        name=grant.account.name,
        scopes=list(grant.scopes),
        created_at=grant.created_at,
        expires_at=grant.expires_at,
        revoked=grant.revoked,
        install_url=app.install_url if app is not None and installed else None,
    )
