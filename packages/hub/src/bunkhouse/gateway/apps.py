"""Views of what runs in sandboxes: where each is, who may look, and until when."""

import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from bunkhouse.addresses import hub_origin, is_loopback, local_domain
from bunkhouse.errors import InvalidInput, NotFound, Unauthorized, Unavailable
from bunkhouse.gateway.allotted import PortOrigins, ports_in
from bunkhouse.gateway.headers import Raw, cookies_named
from bunkhouse.gateway.origins import Address, DomainOrigins, Mode, Origins, app_named
from bunkhouse.gateway.passes import Pass, Passes, Tickets, signing_key
from bunkhouse.gateway.streams import Streams
from bunkhouse.people import Person, Question, Rights
from bunkhouse.settings import Settings

ENTER = "/.bunkhouse/enter"
"""Path on every app's origin where a ticket becomes a cookie."""

_NOTICE = (
    "Apps are told apart by port alone: they share the cookies of this host, and {ports} can be "
    "open at once."
)
_INSECURE = (
    " Without TLS, browsers refuse them what needs a secure context (service workers, clipboard)."
)


@dataclass(frozen=True, slots=True)
class View:
    """An app that a person may look at."""

    url: str
    """For a frame, soon and once: it brings a ticket."""
    link: str
    """To be kept and shared: whoever opens it is asked who they are."""
    mode: Mode
    notice: str | None
    """What does not work as it should, in a sentence or two."""


class Apps:
    """What sandboxes show to browsers. `rights` must run while it is used."""

    def __init__(
        self, settings: Settings, rights: Rights, streams: Streams, *, key: bytes | None = None
    ) -> None:
        """Keep the signing key in the data folder, unless there is one given."""
        self.streams = streams
        self.origins = _origins(settings)
        self._hub = hub_origin(settings)
        self._rights = rights
        seconds = settings.app_cookie_minutes * 60
        key = key or signing_key(settings.data_dir / "gateway.key")
        self.passes = Passes(key, seconds=seconds)
        self._tickets = Tickets(seconds=settings.app_ticket_seconds)

    @property
    def ports(self) -> Sequence[int]:
        """Give the ports that the hub has to listen on besides its own."""
        return self.origins.ports if isinstance(self.origins, PortOrigins) else ()

    def use_ports(self, ports: Sequence[int]) -> None:
        """Say which of `ports` could be taken."""
        if isinstance(self.origins, PortOrigins):
            self.origins.use(ports)

    # ── views ────────────────────────────────────────────────────────────────────────────────

    async def view(self, person: Person, session_id: str, app: str, path: str = "/") -> View:
        """Let the browser in by which `person` came.

        Raises:
            InvalidInput: no such app, or no path.
            NotFound: there is no such session.
            Forbidden: their role there does not allow it.
            Unavailable: this installation can't give origins to apps.
            TooMany: every port for views is in use.
        """
        await self._rights.require(person, "session.use", session_id)
        origin = self._origin(Address(session_id, app_named(app)))
        path = clean_path(path)
        return View(
            url=self._ticketed(person, Address(session_id, app), origin, path),
            link=origin + path,
            mode=self._some_origins().mode,
            notice=self._notice(),
        )

    async def follow(self, person: Person, link: str) -> str:
        """Give the address, with a ticket, that a shared link leads `person` to.

        Raises:
            InvalidInput: it leads to no app of this hub, or none that they may see.
            Forbidden, Unavailable: as of `view`.
        """
        parts = urlsplit(link)
        origin = f"{parts.scheme}://{parts.netloc}"
        address = self._some_origins().address_of(origin)
        if address is None:
            raise _nowhere()
        try:
            await self._rights.require(person, "session.use", address.session)
        except NotFound:
            # Of a port it is not known whose it is, and is not to be known from here.
            raise _nowhere() from None
        path = parts._replace(scheme="", netloc="", fragment="").geturl()
        return self._ticketed(person, address, origin, clean_path(path or "/"))

    def entry(self, url: str) -> str:
        """Give the address on the hub that leads a browser without cookie to `url`."""
        return f"{self._hub}/enter?{urlencode({'to': url})}"

    def redeem(self, secret: str, address: Address) -> Pass:
        """Exchange a ticket.

        Raises:
            Unauthorized: it is spent, too old, or for another app.
        """
        sign_in = self._tickets.redeem(secret, address)
        if sign_in is None:
            raise Unauthorized("This address was good once, for a short time.", code="expired")
        return self.passes.issue(sign_in, address)

    # ── who may ──────────────────────────────────────────────────────────────────────────────

    async def authorise(self, raw: Raw, address: Address) -> Pass:
        """Give the pass that a request's cookie holds.

        Raises:
            Unauthorized: it has none that is good here.
            Forbidden, NotFound: it has, but the person may not any more, or nothing is left.
        """
        for value in cookies_named(raw, self._some_origins().cookie_of(address)):
            found = self.passes.read(value)
            if found is not None and found.address == address:
                await self._rights.ask(_question(found))
                return found
        raise Unauthorized("You have no leave to see this, or it has expired.", code="expired")

    @contextlib.contextmanager
    def held(self, by: Pass, drop: Callable[[], None]) -> Generator[None]:
        """Call `drop` if the leave ends within the block."""
        with self._rights.held(_question(by), drop):
            yield

    # ── parts ────────────────────────────────────────────────────────────────────────────────

    def _ticketed(self, person: Person, address: Address, origin: str, path: str) -> str:
        if person.sign_in is None:
            raise Unauthorized("A view needs a browser that is signed in, or a token.")
        ticket = self._tickets.issue(person.sign_in, address)
        return f"{origin}{ENTER}?{urlencode({'ticket': ticket, 'to': path})}"

    def _origin(self, address: Address) -> str:
        origins = self._some_origins()
        if isinstance(origins, PortOrigins):
            origins.allot(address)
        return origins.origin_of(address) or ""

    def _some_origins(self) -> Origins:
        if self.origins is None:
            raise Unavailable(
                "This hub can't give what runs in sandboxes an origin of its own.",
                remedy="Set BUNKHOUSE_APPS_DOMAIN to a domain whose subdomains lead to this hub, "
                "or BUNKHOUSE_APPS_PORTS to a range of ports.",
                code="no_apps_domain",
            )
        return self.origins

    def _notice(self) -> str | None:
        if not isinstance(self.origins, PortOrigins):
            return None
        plain = not self.origins.secure and not is_loopback(urlsplit(self._hub).hostname or "")
        return _NOTICE.format(ports=len(self.origins.ports)) + (_INSECURE if plain else "")


def _nowhere() -> InvalidInput:
    return InvalidInput(
        "This link leads to no app of a session.", remedy="Open it again from its session."
    )


def _question(by: Pass) -> Question:
    return Question(by.sign_in, "session.use", by.address.session)


def _origins(settings: Settings) -> Origins | None:
    """Choose: what is set, else names below its own where that is loopback."""
    hub = hub_origin(settings)
    if settings.apps_domain:
        return DomainOrigins(hub, settings.apps_domain)
    if settings.apps_ports:
        idle = settings.app_cookie_minutes * 60
        return PortOrigins(hub, ports_in(settings.apps_ports), idle_seconds=idle)
    if is_loopback(urlsplit(hub).hostname or ""):
        return DomainOrigins(hub, local_domain(hub))
    return None


def clean_path(path: str) -> str:
    """A path with its query, as it may stand in an address.

    Raises:
        InvalidInput: it does not begin with one slash.
    """
    if not path.startswith("/") or path.startswith(("//", "/\\")):
        raise InvalidInput("A path begins with one `/`.")
    return quote(path, safe="/?#[]@!$&'()*+,;=:%-._~")
