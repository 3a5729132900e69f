"""GitHub, and GitHub Enterprise: the web flow of an OAuth App, and the REST calls that say who."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

from bunkhouse.forges.github import api_of
from bunkhouse.people.signin import refusals
from bunkhouse.people.signin.attempts import Proof
from bunkhouse.people.signin.exchange import Client
from bunkhouse.people.signin.profile import Grant, Identified, Profile
from bunkhouse.people.signin.provider import Answer, Kind

_API = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


class GitHub:
    """GitHub at a base URL, `https://github.com` or that of an Enterprise server."""

    key: Kind = "github"

    def __init__(self, url: str, client: Client) -> None:
        self.name = client.provider
        self.issuer = url.rstrip("/")
        self._client = client
        self._api = api_of(self.issuer)

    async def check(self) -> None:
        """Ask its page, and its API for nobody; see `Provider`."""
        await self._client.status(self.issuer)
        # Without a token it says no: also where all of it is private, or it was asked too often.
        status = await self._client.status(f"{self._api}/user", **_API)
        if status not in (401, 403, 429):
            raise refusals.ProviderBroken(self.name)

    async def address(self, proof: Proof, redirect_uri: str, *, choose: bool) -> str:
        """Give the address to send a browser to; see `Provider`."""
        more = {"prompt": "select_account"} if choose else {}
        return self._client.address(
            f"{self.issuer}/login/oauth/authorize", proof, redirect_uri, **more
        )

    async def identify(self, answer: Answer, proof: Proof, redirect_uri: str) -> Identified:
        """Say who came back; see `Provider`."""
        if answer.error is not None:
            raise self._client.refused(answer.error)
        if not answer.code:
            raise self._client.refused("no_code")
        tokens = await self._client.tokens(
            f"{self.issuer}/login/oauth/access_token",
            answer.code,
            proof,
            redirect_uri,
            "client_secret_post",
        )
        grant = _grant(tokens)
        found = await self._client.get(f"{self._api}/user", token=grant.access_token, **_API)
        if not isinstance(found, dict):
            raise refusals.ProviderBroken(self.name)
        user = cast("dict[str, object]", found)
        number, login = user.get("id"), user.get("login")
        if not isinstance(number, int) or isinstance(number, bool) or not isinstance(login, str):
            raise refusals.ProviderBroken(self.name)
        if user.get("type") != "User":
            raise refusals.NoAccount
        profile = Profile(
            issuer=self.issuer,
            subject=str(number),  # a login can be given up, and taken by somebody else
            login=login,
            name=_text(user, "name"),
            email=await self._email(grant.access_token),
            avatar_url=_text(user, "avatar_url"),
        )
        return Identified(profile, grant)

    async def _email(self, token: str) -> str | None:
        """The primary address if it is verified; None too where the person did not let us see."""
        url = f"{self._api}/user/emails?per_page=100"
        found = await self._client.get(url, token=token, **_API)
        if found is None:
            return None
        if not isinstance(found, list):
            raise refusals.ProviderBroken(self.name)
        for each in cast("list[object]", found):
            if isinstance(each, dict):
                email = cast("dict[str, object]", each)
                if email.get("primary") is True and email.get("verified") is True:
                    return _text(email, "email")
        return None


def _grant(tokens: Mapping[str, object]) -> Grant:
    seconds = tokens.get("expires_in")
    refresh_token = tokens.get("refresh_token")
    scopes = tokens.get("scope")
    return Grant(
        access_token=cast("str", tokens["access_token"]),
        refresh_token=refresh_token if isinstance(refresh_token, str) else None,
        expires_at=datetime.now(UTC) + timedelta(seconds=seconds)
        if isinstance(seconds, int)
        else None,
        scopes=tuple(scopes.replace(",", " ").split()) if isinstance(scopes, str) else (),
    )


def _text(found: Mapping[str, object], name: str) -> str | None:
    value = found.get(name)
    return value.strip()[:1024] or None if isinstance(value, str) else None
