"""From the button to the signed-in browser: what the routes call."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from bunkhouse.errors import BunkhouseError, NotFound
from bunkhouse.people.admission import Rules
from bunkhouse.people.identity import Person, SignedIn
from bunkhouse.people.people import People
from bunkhouse.people.signin.accounts import Accounts, Redeem
from bunkhouse.people.signin.attempts import Attempts, new_proof
from bunkhouse.people.signin.configured import AppClient, configured
from bunkhouse.people.signin.profile import Grant, KeepGrant
from bunkhouse.people.signin.provider import Answer, Provider
from bunkhouse.people.signin.refusals import OtherPerson
from bunkhouse.settings import Settings
from bunkhouse.store import Database

_log = structlog.get_logger("bunkhouse.signin")


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send a browser, and the secret that it must come back with, in a cookie."""

    address: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finished:
    """Where a browser goes on; `signed_in` is None where an account was linked."""

    next_path: str
    signed_in: SignedIn | None


class SignIn:
    """Signing in with other services. Without providers there is just nothing to choose."""

    def __init__(
        self,
        providers: Sequence[Provider],
        attempts: Attempts,
        accounts: Accounts,
        *,
        keep_grant: KeepGrant | None = None,
    ) -> None:
        self._providers: dict[str, Provider] = {}
        self._attempts = attempts
        self.accounts = accounts
        self._keep_grant = keep_grant
        self.offer(providers)

    @classmethod
    def of(
        cls,
        settings: Settings,
        database: Database,
        people: People,
        *,
        keep_grant: KeepGrant | None = None,
        app: AppClient | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> "SignIn":
        """Make it as the settings say. `keep_grant`: who keeps tokens; else nobody does. `app`: the
        GitHub App that was set up from the page.

        Raises:
            InvalidInput: a setting does not fit the others.
        """
        providers = configured(settings, app)
        attempts = Attempts(
            database,
            minutes=settings.sign_in_minutes,
            limit=settings.sign_in_attempts,
            clock=clock,
        )
        accounts = Accounts(
            database,
            people,
            Rules.of(settings),
            clock=clock,
        )
        return cls(providers, attempts, accounts, keep_grant=keep_grant)

    def offer(self, providers: Sequence[Provider]) -> None:
        """Offer these from now on, in this order, and no others.

        Whoever is at one that is offered no more comes back to be told so.
        """
        self._providers = {str(provider.key): provider for provider in providers}
        self.accounts.issuers = {provider.issuer for provider in providers}

    def offered(self) -> list[Provider]:
        """Give the providers, in the order in which they are offered."""
        return list(self._providers.values())

    def provider(self, key: str) -> Provider:
        """Give the provider of this name.

        Raises:
            NotFound: it is not offered here.
        """
        provider = self._providers.get(key)
        if provider is None:
            raise NotFound(
                "One can't sign in here in this way.",
                remedy="Choose one of the ways that the sign-in page offers.",
                code="no_such_provider",
            )
        return provider

    async def begin(
        self, key: str, redirect_uri: str, next_path: str, *, link_to: Person | None = None
    ) -> Begun:
        """Send a browser to a provider; `link_to`: to add the account there to this person.

        Raises:
            NotFound: the provider is not offered here.
            TooMany: too many are about to sign in.
            ProviderDown, ProviderBroken, OtherIssuer: the provider can't be asked.
        """
        provider = self.provider(key)
        proof = new_proof()
        address = await provider.address(proof, redirect_uri, choose=link_to is not None)
        await self._attempts.begin(proof, key, next_path, link_to.id if link_to else None)
        return Begun(address, proof.secret)

    async def finish(
        self,
        key: str,
        redirect_uri: str,
        secret: str | None,
        answer: Answer,
        *,
        present: Person | None,
        redeem: Redeem | None = None,
    ) -> Finished:
        """Sign in a browser that came back with `secret`, or link the account that it brings.

        `present`: as whom the browser is signed in already. `redeem`: uses up the invite that it
        came with.

        Raises:
            NotFound: the provider is not offered here.
            SignInFailed: the browser, or what the provider says, is not to be trusted.
            ProviderDown, ProviderBroken, OtherIssuer: the provider can't be asked.
            NotAdmitted: nobody's account, whose owner is not let in.
            Conflict: the account to be linked is somebody else's.
        """
        provider = self.provider(key)
        attempt = await self._attempts.take(secret, key, answer.state)
        if attempt.link_to is not None and (present is None or present.id != attempt.link_to):
            raise OtherPerson
        identified = await provider.identify(answer, attempt.proof, redirect_uri)
        if attempt.link_to is not None and present is not None:
            await self.accounts.link(present, identified.profile, key)
            await self._keep(present.id, key, identified.grant)
            return Finished(attempt.next_path, None)
        signed_in = await self.accounts.enter(identified.profile, key, redeem=redeem)
        await self._keep(signed_in.person.id, key, identified.grant)
        return Finished(attempt.next_path, signed_in)

    async def _keep(self, user_id: str, key: str, grant: Grant | None) -> None:
        """Hand tokens on; that they can't be kept keeps nobody from signing in."""
        if grant is None or self._keep_grant is None:
            return
        try:
            await self._keep_grant(user_id, key, grant)
        except BunkhouseError as error:
            _log.error("grant not kept", person=user_id, provider=key, code=error.reason)
