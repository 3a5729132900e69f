"""The GitHub App of this installation: made of a manifest, kept with its secrets sealed.

An admin begins (`begin`); their browser is shown a form that posts the manifest to GitHub (`form`),
and comes back from there with a code, for which GitHub tells the App's secrets once (`finish`).
From then on the App is the GitHub of this installation, without a restart: whoever has to know is
told by `changed`.

A browser gets one random secret in a cookie, and the state that GitHub gives back is made of it. So
it fits the browser that began and no other, and the store holds nothing with which somebody who
reads it could go on.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from bunkhouse.addresses import is_trustworthy
from bunkhouse.errors import (
    BunkhouseError,
    Conflict,
    Forbidden,
    GrantRevoked,
    InvalidInput,
    NotFound,
    TooMany,
    UpstreamFailed,
)
from bunkhouse.forges.forge import Application
from bunkhouse.forges.github import manifest
from bunkhouse.forges.github.github import GitHub, place_of
from bunkhouse.forges.github.wire import MadeApp
from bunkhouse.store import Database
from bunkhouse.store import github_apps as rows
from bunkhouse.store.github_apps import AppRow, SetupRow
from bunkhouse.vault import Vault

DOTCOM = "https://github.com"

_ORGANIZATION = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9_]){0,99}")
_SECRETS = ("client_secret", "webhook_secret", "private_key")
_AGAIN = "Begin again in Settings, under GitHub. If GitHub made an App already, delete it there."

_audit = structlog.get_logger("bunkhouse.audit")


@dataclass(frozen=True, slots=True)
class App:
    """A GitHub App, without what only it may know."""

    url: str
    """Of the GitHub that it is at."""
    host: str
    app_id: str
    slug: str
    name: str
    owner: str
    owned_by_organization: bool
    html_url: str
    client_id: str
    hears: bool
    """GitHub tells of pull requests by webhook."""
    created_at: datetime

    @property
    def install_url(self) -> str:
        """Where one chooses the repositories that it may see."""
        return f"{self.html_url}/installations/new"

    @property
    def settings_url(self) -> str:
        """Where its owner changes and deletes it."""
        below = f"/organizations/{self.owner}" if self.owned_by_organization else ""
        return f"{self.url}{below}/settings/apps/{self.slug}"


@dataclass(frozen=True, slots=True)
class Opened:
    """Its secrets."""

    client_secret: str = field(repr=False)
    webhook_secret: str | None = field(repr=False)
    private_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """What a browser posts to GitHub."""

    address: str
    github: str
    manifest: str


class GitHubApp:
    """The App, if there is one, and setting it up. `clock` gives the time in UTC."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        *,
        fixed_url: str | None = None,
        fixed_client: bool = False,
        minutes: float = 60.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`fixed_url`, `fixed_client`: the environment says where GitHub is, or as whom the hub is
        known there, and that goes before what is set up here. `minutes`: how long somebody may be
        away at GitHub."""
        self._database = database
        self._vault = vault
        self._fixed_url = fixed_url.rstrip("/") if fixed_url else None
        self._fixed_client = fixed_client
        self._lifetime = timedelta(minutes=minutes)
        self._clock = clock
        self._row: AppRow | None = None
        self._opened: Opened | None = None
        self._problem: BunkhouseError | None = None
        self._changed: list[Callable[[], None]] = []

    # ── what there is ────────────────────────────────────────────────────────────────────────

    @property
    def app(self) -> App | None:
        """The App, whether it is of use or not."""
        return None if self._row is None else _app(self._row)

    @property
    def problem(self) -> BunkhouseError | None:
        """Why its secrets can't be opened."""
        return self._problem

    @property
    def fixed_url(self) -> str | None:
        """Where GitHub is by the environment."""
        return self._fixed_url

    @property
    def fixed_client(self) -> bool:
        """Whether the environment says as whom the hub is known at GitHub."""
        return self._fixed_client

    @property
    def url(self) -> str:
        """Where the GitHub of this installation is."""
        return self._fixed_url or (self._row.url if self._row else DOTCOM)

    @property
    def in_use(self) -> bool:
        """Whether people sign in with the App: there is one, and the environment says no other."""
        return self._opened is not None and not self._fixed_client and self._is_here

    @property
    def application(self) -> Application | None:
        """As whom the hub is known at GitHub by the App; None: by none of here."""
        if not self.in_use or self._row is None or self._opened is None:
            return None
        return Application(self._row.client_id, self._opened.client_secret)

    @property
    def webhook_secret(self) -> str | None:
        """With what GitHub signs the App's webhooks, whoever people sign in with."""
        return self._opened.webhook_secret if self._opened and self._is_here else None

    @property
    def _is_here(self) -> bool:
        return self._row is not None and _host(self._row.url) == _host(self.url)

    def changed(self, tell: Callable[[], None]) -> None:
        """Call `tell` each time that the App is another, or none."""
        self._changed.append(tell)

    async def load(self) -> None:
        """Take what is stored, sealed anew where an older key sealed it.

        Where it can't be opened it is of no use until it can, which `problem` says.
        """
        async with self._database.read() as tx:
            row = await rows.current(tx)
        if row is not None:
            row = await self._sealed_anew(row)
        self._take(row)

    # ── setting one up ───────────────────────────────────────────────────────────────────────

    async def begin(
        self, user_id: str, *, url: str | None, organization: str | None, hub: str
    ) -> str:
        """Begin to set one up; gives the secret that the browser of this person comes with.

        `url`: of GitHub Enterprise. `organization`: whose the App is to be; None: their own. `hub`:
        the origin by which people reach the hub.

        Raises:
            Conflict: the environment sets GitHub, or there is an App already.
            InvalidInput: it is no address of a GitHub, or no name of an organization.
        """
        self._free()
        github = _address(url or self.url)
        if self._fixed_url is not None and _host(github) != _host(self._fixed_url):
            raise Conflict(
                f"BUNKHOUSE_GITHUB_URL says that GitHub is at {self._fixed_url}.",
                remedy="Leave the address empty, or take the setting away and start the hub anew.",
                code="github_set_by_environment",
            )
        if organization is not None and not _ORGANIZATION.fullmatch(organization):
            raise InvalidInput(
                f"`{organization[:100]}` is not the name of an organization.",
                remedy="Give it as in its address at GitHub: letters, digits and `-`.",
            )
        secret, now = secrets.token_urlsafe(32), self._clock()
        row = SetupRow(_hash(secret), user_id, github, organization, hub, now + self._lifetime)
        async with self._database.write() as tx:
            await rows.begin(tx, row, now)
        return secret

    async def form(self, secret: str | None, user_id: str) -> Form:
        """What the browser with this secret is to post to GitHub.

        Raises:
            Forbidden, Conflict: it has not begun, somebody else has, or its time is over.
        """
        self._free()
        row = await self._begun(secret, user_id)
        made = manifest.manifest(row.hub, hears=manifest.hears(row.url, row.hub))
        address = manifest.form_address(row.url, row.organization, _state(secret or ""))
        return Form(address, row.url, json.dumps(made))

    async def finish(
        self, secret: str | None, user_id: str, *, state: str | None, code: str | None
    ) -> App:
        """Turn in the code with which a browser came back, and keep the App that it stands for.

        What was begun is used up by that, unless GitHub can't be asked now: then the same address
        is good once more.

        Raises:
            Forbidden, Conflict: the state is not that of this browser, or its time is over.
            NotFound: GitHub does not know the code, or no longer.
            InvalidInput, TooMany, UpstreamFailed: as GitHub says.
        """
        if not secret or not hmac.compare_digest((state or "").encode(), _state(secret).encode()):
            raise Forbidden(
                "This answer of GitHub's belongs to another browser, or to another attempt.",
                remedy=_AGAIN,
                code="github_app_state",
            )
        row = await self._begun(secret, user_id)
        if not code:
            raise InvalidInput("GitHub sent no code.", remedy=_AGAIN, code="github_app_code")
        async with self._database.write() as tx:
            taken = await rows.take(tx, row.secret_hash)
        if not taken:
            raise _over()
        self._free()
        made = await self._asked(row, code)
        app_row = self._sealed(made, row)
        async with self._database.write() as tx:
            if not await rows.add(tx, app_row):
                raise _there_already()
        _audit.warning("github_app_set_up", person=user_id, host=_host(row.url), app=app_row.slug)
        self._take(app_row)
        self._tell()
        return _app(app_row)

    async def remove(self, user_id: str) -> None:
        """Forget the App here; at GitHub it stays. Nothing happens where there is none."""
        row = self._row
        if row is None:
            return
        async with self._database.write() as tx:
            gone = await rows.remove(tx, row.id)
        if gone:
            _audit.warning("github_app_removed", person=user_id, app=row.slug)
        self._take(None)
        self._tell()

    # ── within ───────────────────────────────────────────────────────────────────────────────

    def _free(self) -> None:
        """Raise `Conflict` where no App can be set up."""
        if self._fixed_client:
            raise Conflict(
                "GitHub is set up by BUNKHOUSE_GITHUB_CLIENT_ID, in the hub's environment.",
                remedy="Take that setting away and start the hub anew, to set up an App here.",
                code="github_set_by_environment",
            )
        if self._row is not None:
            raise _there_already()

    async def _begun(self, secret: str | None, user_id: str) -> SetupRow:
        async with self._database.read() as tx:
            row = await rows.begun(tx, _hash(secret)) if secret else None
        if row is None or row.expires_at <= self._clock():
            raise _over()
        if row.user_id != user_id:
            raise Forbidden(
                "Somebody else began to set up this App.", remedy=_AGAIN, code="github_app_state"
            )
        return row

    async def _asked(self, row: SetupRow, code: str) -> MadeApp:
        github = GitHub(row.url)
        try:
            return await github.made_app(code)
        except NotFound as error:
            raise NotFound(
                "GitHub does not know this code any more: it is good once, for an hour.",
                remedy=_AGAIN,
                code="github_app_code",
            ) from error
        except (Forbidden, GrantRevoked, InvalidInput) as error:
            raise InvalidInput(
                f"GitHub does not hand over the App. {error.message}",
                remedy=_AGAIN,
                code="github_app_refused",
            ) from error
        except (TooMany, UpstreamFailed):
            async with self._database.write() as tx:
                await rows.put_back(tx, row)
            raise
        finally:
            await github.aclose()

    def _sealed(self, made: MadeApp, begun: SetupRow) -> AppRow:
        app_id = secrets.token_hex(8)
        hook = made.webhook_secret
        # A secret without a webhook, which nobody could ever sign with, is none.
        keeps = hook and manifest.hears(begun.url, begun.hub)
        return AppRow(
            id=app_id,
            url=begun.url,
            app_id=str(made.id),
            slug=made.slug or made.html_url.rstrip("/").rsplit("/", 1)[-1],
            name=made.name,
            owner=made.owner.login or made.owner.slug or "",
            owned_by_organization=made.owner.type == "Organization",
            html_url=made.html_url,
            client_id=made.client_id,
            client_secret=self._vault.seal(made.client_secret, _place(app_id, "client_secret")),
            webhook_secret=self._vault.seal(hook, _place(app_id, "webhook_secret"))
            if hook and keeps
            else None,
            private_key=self._vault.seal(made.pem, _place(app_id, "private_key")),
            created_by=begun.user_id,
            created_at=self._clock(),
        )

    async def _sealed_anew(self, row: AppRow) -> AppRow:
        sealed = {name: getattr(row, name) for name in _SECRETS if getattr(row, name)}
        if all(self._vault.is_current(text) for text in sealed.values()):
            return row
        try:
            columns = {
                name: self._vault.seal(
                    self._vault.open(text, _place(row.id, name)), _place(row.id, name)
                )
                for name, text in sealed.items()
            }
        except BunkhouseError:
            return row  # which `_take` says
        async with self._database.write() as tx:
            await rows.change(tx, row.id, columns)
            return await rows.current(tx) or row

    def _take(self, row: AppRow | None) -> None:
        self._row, self._opened, self._problem = row, None, None
        if row is None:
            return
        hook = row.webhook_secret
        try:
            self._opened = Opened(
                self._vault.open(row.client_secret, _place(row.id, "client_secret")),
                hook and self._vault.open(hook, _place(row.id, "webhook_secret")),
                self._vault.open(row.private_key, _place(row.id, "private_key")),
            )
        except BunkhouseError as error:
            self._problem = error
            _audit.error("github_app_not_opened", app=row.slug, why=str(error))

    def _tell(self) -> None:
        for tell in self._changed:
            tell()


async def has_app(database: Database) -> bool:
    """Say whether an App was set up, for who has not the key of its secrets."""
    async with database.read() as tx:
        return await rows.current(tx) is not None


def _app(row: AppRow) -> App:
    return App(
        url=row.url,
        host=_host(row.url),
        app_id=row.app_id,
        slug=row.slug,
        name=row.name,
        owner=row.owner,
        owned_by_organization=row.owned_by_organization,
        html_url=row.html_url,
        client_id=row.client_id,
        hears=row.webhook_secret is not None,
        created_at=row.created_at,
    )


def _address(url: str) -> str:
    if not is_trustworthy(url.strip()):
        raise InvalidInput(
            f"`{url[:200]}` can't be the address of a GitHub.",
            remedy="Give it as `https://github.example.org`; only on loopback may it be http://.",
        )
    return place_of(url)[0]


def _host(url: str) -> str:
    return place_of(url)[1]


def _place(app_id: str, column: str) -> str:
    return f"github_apps/{app_id}/{column}"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _state(secret: str) -> str:
    return hmac.digest(secret.encode(), b"bunkhouse github app state", "sha256").hex()


def _over() -> Conflict:
    return Conflict(
        "This browser has not begun to set up a GitHub App, or it has and its time is over.",
        remedy=_AGAIN,
        code="github_app_not_begun",
    )


def _there_already() -> Conflict:
    return Conflict(
        "This installation has a GitHub App already.",
        remedy="Remove that one first, in Settings, under GitHub.",
        code="github_app_there",
    )
