"""The providers that an installation offers, by its settings."""

from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import SecretStr

from bunkhouse.addresses import is_trustworthy
from bunkhouse.errors import InvalidInput
from bunkhouse.people.signin.exchange import Client
from bunkhouse.people.signin.github import GitHub
from bunkhouse.people.signin.oidc import OpenIDConnect
from bunkhouse.people.signin.provider import Provider
from bunkhouse.settings import Settings

T = TypeVar("T")

GOOGLE = "https://accounts.google.com"


@dataclass(frozen=True, slots=True)
class AppClient:
    """A GitHub App that was set up from the page, at the GitHub at `url`."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)


def configured(settings: Settings, app: AppClient | None = None) -> list[Provider]:
    """Give those that are switched on, in the order in which they are offered.

    `app`: with which one signs in with GitHub, if the settings name no other application.

    Raises:
        InvalidInput: a setting is missing beside another, or is no address.
    """
    found: list[Provider] = []
    seconds = settings.sign_in_seconds
    if settings.github_client_id:
        secret = _needed("BUNKHOUSE_GITHUB_CLIENT_SECRET", settings.github_client_secret)
        url = _address("BUNKHOUSE_GITHUB_URL", settings.github_url.rstrip("/"))
        scopes = settings.github_scopes
        found.append(
            GitHub(url, Client(_name(url), settings.github_client_id, secret, scopes, seconds))
        )
    elif app is not None:
        # What an App may is chosen where it is made and installed: it has no scopes.
        secret = SecretStr(app.client_secret)
        found.append(GitHub(app.url, Client(_name(app.url), app.client_id, secret, "", seconds)))
    if settings.google_client_id:
        secret = _needed("BUNKHOUSE_GOOGLE_CLIENT_SECRET", settings.google_client_secret)
        issuer = _address("BUNKHOUSE_GOOGLE_ISSUER", settings.google_issuer)
        # Google documents that its tokens may name it without the scheme.
        also = ("accounts.google.com",) if issuer == GOOGLE else ()
        client = Client(
            "Google", settings.google_client_id, secret, "openid profile email", seconds
        )
        found.append(OpenIDConnect("google", issuer, client, also_called=also))
    if settings.oidc_client_id or settings.oidc_issuer:
        client_id = _needed("BUNKHOUSE_OIDC_CLIENT_ID", settings.oidc_client_id)
        issuer = _address(
            "BUNKHOUSE_OIDC_ISSUER", _needed("BUNKHOUSE_OIDC_ISSUER", settings.oidc_issuer)
        )
        client = Client(
            settings.oidc_name,
            client_id,
            settings.oidc_client_secret,
            settings.oidc_scopes,
            seconds,
        )
        found.append(OpenIDConnect("oidc", issuer, client))
    return found


def _name(url: str) -> str:
    return "GitHub" if url == "https://github.com" else "GitHub Enterprise"


def _needed(variable: str, value: T | None) -> T:
    if not value:
        raise InvalidInput(
            f"{variable} is missing.", remedy="Set it beside the others of this provider."
        )
    return value


def _address(variable: str, url: str) -> str:
    if not is_trustworthy(url):
        raise InvalidInput(
            f"{variable} must be an https:// address: who answers there says who people are.",
            remedy="Only on loopback may it be http://.",
        )
    return url
