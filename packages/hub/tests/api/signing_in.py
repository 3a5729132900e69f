"""A browser that signs in to a house with fake providers, and what is stored of it."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import httpx2
from sqlalchemy import func, select

from bunkhouse.people.invites import Invites
from bunkhouse.people.signin import KeepGrant, SignIn
from bunkhouse.settings import Settings
from bunkhouse.store.tables import metadata
from tests.providers import FakeGitHub, FakeOpenID, approve

from .house import House

TABLES = ("users", "identities", "browser_sessions")


def offer(
    house: House,
    *,
    github: FakeGitHub | None = None,
    google: FakeOpenID | None = None,
    oidc: FakeOpenID | None = None,
    keep_grant: KeepGrant | None = None,
    **settings: object,
) -> None:
    """Have the house offer these providers, which know it."""
    given = dict(settings)
    if github:
        given |= {
            "github_url": github.url,
            "github_client_id": github.client_id,
            "github_client_secret": github.client_secret,
        }
        github.callback = f"{house.url}/sign-in/github/callback"
    if google:
        google.method = "client_secret_post"
        given |= {
            "google_issuer": google.url,
            "google_client_id": google.client_id,
            "google_client_secret": google.client_secret,
        }
        google.callback = f"{house.url}/sign-in/google/callback"
    if oidc:
        given |= {
            "oidc_name": oidc.name,
            "oidc_issuer": oidc.url,
            "oidc_client_id": oidc.client_id,
            "oidc_client_secret": oidc.client_secret,
        }
        oidc.callback = f"{house.url}/sign-in/oidc/callback"
    configured = Settings(_env_file=None, **given)  # pyright: ignore[reportCallIssue, reportArgumentType]
    house.services.sign_in = SignIn.of(
        configured, house.room.database, house.people, keep_grant=keep_grant
    )
    house.services.invites = Invites.of(configured, house.room.database, house.people)


@dataclass
class Browser:
    """One browser of one person, with its cookies."""

    client: httpx2.AsyncClient

    async def begin(self, provider: str, next_path: str = "/") -> str:
        """Press the button; the address of the provider where that leads."""
        answer = await self.client.get(f"/sign-in/{provider}", params={"next": next_path})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def back(self, address: str) -> httpx2.Response:
        """Come back from the provider."""
        return await self.client.get(address)

    async def sign_in(self, provider: str, account: str, next_path: str = "/") -> httpx2.Response:
        """From the button to the hub's answer."""
        return await self.back(await approve(await self.begin(provider, next_path), account))

    async def me(self) -> dict[str, str] | None:
        """As whom it is signed in."""
        answer = await self.client.get("/api/me")
        return answer.json() if answer.status_code == 200 else None


async def stored(house: House) -> dict[str, int]:
    """How many rows there are of people and of what signs them in."""
    async with house.room.database.read() as tx:
        return {
            name: (
                await tx.execute(select(func.count()).select_from(metadata.tables[name]))
            ).scalar_one()
            for name in TABLES
        }


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))
