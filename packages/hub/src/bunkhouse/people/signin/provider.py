"""What a provider can do: the port behind which GitHub and OpenID Connect stand."""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from bunkhouse.people.signin.attempts import Proof
from bunkhouse.people.signin.profile import Identified

Kind = Literal["github", "google", "oidc"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider sent a browser back with."""

    code: str | None = field(default=None, repr=False)
    state: str | None = field(default=None, repr=False)
    error: str | None = None
    issuer: str | None = None
    """Who says that they answer (`iss`, RFC 9207)."""


class Provider(Protocol):
    """A service that says who somebody is."""

    @property
    def key(self) -> Kind:
        """Its name in addresses."""
        ...

    @property
    def name(self) -> str:
        """Its name for people."""
        ...

    @property
    def issuer(self) -> str:
        """Who vouches for the accounts."""
        ...

    async def check(self) -> None:
        """Return if it can be reached and is what it is taken for; nobody's account is needed.

        Raises:
            ProviderDown, ProviderBroken, OtherIssuer: what is wrong.
        """
        ...

    async def address(self, proof: Proof, redirect_uri: str, *, choose: bool) -> str:
        """Give the address to send a browser to. `choose`: have people choose an account there.

        Raises:
            ProviderDown, ProviderBroken, OtherIssuer: it can't be asked where that is.
        """
        ...

    async def identify(self, answer: Answer, proof: Proof, redirect_uri: str) -> Identified:
        """Say who came back, of an answer whose state fits.

        Raises:
            SignInFailed: the answer is not to be trusted, or says no.
            ProviderDown, ProviderBroken, OtherIssuer: it can't be asked.
        """
        ...
