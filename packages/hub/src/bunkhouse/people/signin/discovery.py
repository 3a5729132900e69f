"""What an issuer says of itself (OpenID Connect Discovery 1.0), and the keys it signs with."""

import asyncio
import time
from typing import Annotated, cast

from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from bunkhouse.addresses import is_trustworthy
from bunkhouse.people.signin.exchange import Client, Method
from bunkhouse.people.signin.refusals import OtherIssuer, ProviderBroken

_KEPT_SECONDS = 3600
"""How long a description is believed. Keys are asked for again when an unknown one turns up."""

_ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
"""Those with a private key. With HS256 the application itself could sign, and whoever has its
secret; `none` is no signature."""


def _address(value: str) -> str:
    if not is_trustworthy(value):
        raise ValueError("neither https nor on loopback")
    return value


_Address = Annotated[str, AfterValidator(_address)]


class Metadata(BaseModel):
    """What we need of an issuer's description."""

    issuer: str
    authorization_endpoint: _Address
    token_endpoint: _Address
    jwks_uri: _Address
    userinfo_endpoint: _Address | None = None
    token_endpoint_auth_methods_supported: list[str] = Field(
        default_factory=lambda: ["client_secret_basic"]
    )
    id_token_signing_alg_values_supported: list[str] = Field(default_factory=lambda: ["RS256"])
    authorization_response_iss_parameter_supported: bool = False

    @property
    def algorithms(self) -> list[str]:
        """In which ways its id_tokens may be signed."""
        return [each for each in _ALGORITHMS if each in self.id_token_signing_alg_values_supported]

    def method(self, *, secret: bool) -> Method:
        """How it is told the client's secret."""
        if not secret:
            return "none"
        if "client_secret_post" in self.token_endpoint_auth_methods_supported:
            return "client_secret_post"
        return "client_secret_basic"


class Discovery:
    """An issuer's description and keys, asked for when they are needed."""

    def __init__(self, issuer: str, client: Client) -> None:
        self.issuer = issuer
        self._client = client
        self._lock = asyncio.Lock()
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: KeySet | None = None

    async def metadata(self) -> Metadata:
        """Give the description.

        Raises:
            OtherIssuer: what is there is somebody else's.
            ProviderDown, ProviderBroken: nothing is there, or nothing that can be read.
        """
        async with self._lock:
            if self._metadata and time.monotonic() - self._metadata[0] < _KEPT_SECONDS:
                return self._metadata[1]
            where = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
            found = await self._client.get(where)
            try:
                metadata = Metadata.model_validate(found)
            except ValidationError:
                raise ProviderBroken(self._client.provider) from None
            if metadata.issuer != self.issuer:
                raise OtherIssuer(self._client.provider, metadata.issuer)
            self._metadata = (time.monotonic(), metadata)
            return metadata

    async def keys(self, *, besides: KeySet | None = None) -> KeySet:
        """Give the issuer's keys; if those at hand are `besides`, ask for them again.

        Raises:
            ProviderDown, ProviderBroken: they can't be had.
        """
        metadata = await self.metadata()
        async with self._lock:
            if self._keys is None or self._keys is besides:
                found = await self._client.get(metadata.jwks_uri)
                try:
                    self._keys = KeySet.import_key_set(cast("KeySetSerialization", found))
                except (JoseError, ValueError, TypeError, KeyError, AttributeError):
                    raise ProviderBroken(self._client.provider) from None
            return self._keys
