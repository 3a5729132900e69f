"""The code grant with PKCE (RFC 6749, RFC 7636), as Authlib speaks it.

Authlib has no types; what it gives is looked at here, and nowhere else.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, cast
from urllib.parse import quote_plus

import httpx2
import structlog
from authlib.integrations.base_client import (
    OAuthError,
)
from authlib.integrations.httpx_client import (
    AsyncOAuth2Client,
)
from pydantic import SecretStr

from bunkhouse.people.signin.attempts import Proof
from bunkhouse.people.signin.refusals import (
    Declined,
    ProviderBroken,
    ProviderDown,
    ProviderRefused,
)
from bunkhouse.version import version

_log = structlog.get_logger("bunkhouse.signin")

Method = Literal["client_secret_post", "client_secret_basic", "none"]

_USER_AGENT = f"bunkhouse/{version()}"

_ERROR_CODE = re.compile(r"[a-z_]{1,64}")


@cache
def _trusted() -> ssl.SSLContext:
    """Whose certificates count. To read them takes some 50 ms, in which nothing else is done."""
    return httpx2.create_ssl_context()


@dataclass(frozen=True)
class Client:
    """What this installation is to a provider. `seconds`: how long the provider may take."""

    provider: str
    """The provider's name for people."""
    client_id: str
    client_secret: SecretStr | None = field(repr=False)
    scope: str
    seconds: float

    def address(self, endpoint: str, proof: Proof, redirect_uri: str, **more: str) -> str:
        """Give the address that a browser is sent to."""
        client = self._oauth(redirect_uri, "none")
        url, _ = client.create_authorization_url(
            endpoint, state=proof.state, code_verifier=proof.verifier, **more
        )
        return cast("str", url)

    async def tokens(
        self, endpoint: str, code: str, proof: Proof, redirect_uri: str, method: Method
    ) -> Mapping[str, object]:
        """Turn a code in.

        Raises:
            ProviderRefused: the provider does not take it.
            ProviderDown, ProviderBroken: it gave no answer, or none that fits.
        """
        async with self._answering(), self._oauth(redirect_uri, method) as client:
            try:
                given = await client.fetch_token(
                    endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=proof.verifier,
                )
            except OAuthError as error:
                raise self.refused(str(error.error)) from None
            tokens = dict(cast("Mapping[str, object]", given))
        if not isinstance(tokens.get("access_token"), str):
            raise ProviderBroken(self.provider)
        if str(tokens.get("token_type", "")).lower() != "bearer":
            raise ProviderBroken(self.provider)
        return tokens

    async def get(self, url: str, *, token: str | None = None, **headers: str) -> object:
        """Ask for JSON; None where there is nothing, or nothing for this token (403, 404).

        Raises:
            ProviderRefused: the token is not taken.
            ProviderDown, ProviderBroken: it gave no answer, or none that fits.
        """
        sent = {"Accept": "application/json", "User-Agent": _USER_AGENT, **headers}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        async with (
            self._answering(),
            httpx2.AsyncClient(timeout=self.seconds, verify=_trusted()) as client,
        ):
            answer = await client.get(url, headers=sent)
            if answer.status_code == 401:
                raise self.refused("invalid_token")
            if answer.status_code in (403, 404):
                return None
            if not answer.is_success:
                answer.raise_for_status()
                raise ProviderBroken(self.provider)  # it points elsewhere, and we don't follow
            return answer.json()

    async def status(self, url: str, **headers: str) -> int:
        """Give the status with which an address answers to whoever asks.

        Raises:
            ProviderDown: it gave no answer, or that it can't (5xx).
        """
        sent = {"User-Agent": _USER_AGENT, **headers}
        async with (
            self._answering(),
            httpx2.AsyncClient(timeout=self.seconds, verify=_trusted()) as client,
        ):
            answer = await client.get(url, headers=sent)
        if answer.is_server_error:
            raise ProviderDown(self.provider)
        return answer.status_code

    def refused(self, code: str) -> Declined | ProviderRefused:
        """Say that the provider answered with an error; its code goes to the log if it is one."""
        known = code if _ERROR_CODE.fullmatch(code) else "unreadable"
        _log.warning("provider refused", provider=self.provider, error=known)
        return Declined() if known == "access_denied" else ProviderRefused()

    def _oauth(self, redirect_uri: str, method: Method) -> Any:
        secret = self.client_secret.get_secret_value() if self.client_secret else None
        client_id = self.client_id
        if method == "client_secret_basic":
            # As RFC 6749 says (2.3.1), which Authlib leaves to us.
            client_id, secret = quote_plus(client_id), quote_plus(secret or "")
        return AsyncOAuth2Client(
            client_id,
            secret,
            token_endpoint_auth_method=method,
            code_challenge_method="S256",
            scope=self.scope,
            redirect_uri=redirect_uri,
            timeout=self.seconds,
            verify=_trusted(),
            headers={"User-Agent": _USER_AGENT},
        )

    @asynccontextmanager
    async def _answering(self) -> AsyncGenerator[None]:
        """Bring what goes wrong between us and the provider into our words."""
        try:
            async with asyncio.timeout(self.seconds):
                yield
        except httpx2.HTTPStatusError as error:
            _log.warning(
                "provider failed", provider=self.provider, status=error.response.status_code
            )
            if error.response.status_code in (429, 500, 502, 503, 504):
                raise ProviderDown(self.provider) from None
            raise ProviderBroken(self.provider) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
            _log.warning("provider down", provider=self.provider, reason=type(error).__name__)
            raise ProviderDown(self.provider) from None
        except ValueError:
            _log.warning("provider answered no JSON", provider=self.provider)
            raise ProviderBroken(self.provider) from None
