"""OpenID Connect: Google, and whoever else speaks it."""

from collections.abc import Mapping
from typing import cast

from bunkhouse.people.signin import refusals
from bunkhouse.people.signin.attempts import Proof
from bunkhouse.people.signin.discovery import Discovery, Metadata
from bunkhouse.people.signin.exchange import Client
from bunkhouse.people.signin.id_token import Expected, verified
from bunkhouse.people.signin.profile import Identified, Profile
from bunkhouse.people.signin.provider import Answer, Kind


class OpenIDConnect:
    """A provider that is found by its issuer's address.

    `also_called`: further names under which the issuer signs.
    """

    def __init__(
        self, key: Kind, issuer: str, client: Client, *, also_called: tuple[str, ...] = ()
    ) -> None:
        self.key: Kind = key
        self.name = client.provider
        self.issuer = issuer
        self._client = client
        self._issuers = (issuer, *also_called)
        self.discovery = Discovery(issuer, client)

    async def check(self) -> None:
        """Ask for its description; see `Provider`."""
        await self.discovery.metadata()

    async def address(self, proof: Proof, redirect_uri: str, *, choose: bool) -> str:
        """Give the address to send a browser to; see `Provider`."""
        metadata = await self.discovery.metadata()
        more = {"prompt": "select_account"} if choose and self.key == "google" else {}
        return self._client.address(
            metadata.authorization_endpoint, proof, redirect_uri, nonce=proof.nonce, **more
        )

    async def identify(self, answer: Answer, proof: Proof, redirect_uri: str) -> Identified:
        """Say who came back; see `Provider`."""
        metadata = await self.discovery.metadata()
        if answer.issuer is None:
            if metadata.authorization_response_iss_parameter_supported:
                raise refusals.OtherProvider
        elif answer.issuer != metadata.issuer:
            raise refusals.OtherProvider
        if answer.error is not None:
            raise self._client.refused(answer.error)
        if not answer.code:
            raise self._client.refused("no_code")
        tokens = await self._client.tokens(
            metadata.token_endpoint,
            answer.code,
            proof,
            redirect_uri,
            metadata.method(secret=self._client.client_secret is not None),
        )
        access_token = cast("str", tokens["access_token"])
        claims = await self._claims(metadata, tokens.get("id_token"), proof, access_token)
        if "email" not in claims and metadata.userinfo_endpoint:
            claims = await self._with_userinfo(metadata.userinfo_endpoint, claims, access_token)
        # The access token was for this; it is not kept.
        return Identified(_profile(self.issuer, claims))

    async def _claims(
        self, metadata: Metadata, id_token: object, proof: Proof, access_token: str
    ) -> Mapping[str, object]:
        expected = Expected(self._issuers, self._client.client_id, proof.nonce, access_token)
        keys = await self.discovery.keys()
        try:
            return verified(id_token, keys, metadata.algorithms, expected)
        except (refusals.UnknownKey, refusals.WrongSignature):
            # The issuer may have new keys since we asked, also under an old name.
            newer = await self.discovery.keys(besides=keys)
            return verified(id_token, newer, metadata.algorithms, expected)

    async def _with_userinfo(
        self, endpoint: str, claims: Mapping[str, object], access_token: str
    ) -> Mapping[str, object]:
        found = await self._client.get(endpoint, token=access_token)
        if found is None:
            return claims
        if not isinstance(found, dict):
            raise refusals.ProviderBroken(self.name)
        info = cast("dict[str, object]", found)
        if info.get("sub") != claims["sub"]:
            raise refusals.OtherSubject
        return {**info, **claims}


def _profile(issuer: str, claims: Mapping[str, object]) -> Profile:
    # Some say it as text, Amazon Cognito among them.
    is_verified = claims.get("email_verified") in (True, "true")
    return Profile(
        issuer=issuer,
        subject=cast("str", claims["sub"]),
        login=_text(claims, "preferred_username"),
        name=_text(claims, "name"),
        email=_text(claims, "email") if is_verified else None,
        avatar_url=_text(claims, "picture"),
    )


def _text(claims: Mapping[str, object], name: str) -> str | None:
    value = claims.get(name)
    return value.strip()[:1024] or None if isinstance(value, str) else None
