"""Which origin belongs to which app of which session, and which to nobody.

`<app>--<session>.<apps domain>`: the app is `editor` or a port. There is one way to write each;
whatever is near to one of them but not it (upper case, a dot at the end, another port) is refused,
so that no two parts of the way can read one name as two things.
"""

import re
from dataclasses import dataclass
from typing import Literal, Protocol
from urllib.parse import urlsplit

from bunkhouse.addresses import DEFAULT_PORTS, aliases, canonical, is_loopback
from bunkhouse.errors import InvalidInput, Misdirected
from bunkhouse_protocol.places import OWN_PORTS

EDITOR = "editor"
Mode = Literal["domain", "ports"]

_APP = r"editor|[1-9][0-9]{0,4}"
_LABEL = re.compile(rf"({_APP})--([a-z0-9]{{1,40}})")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Address:
    """An app of a session: `editor`, or what listens at a port."""

    session: str
    app: str

    @property
    def inner_origin(self) -> str | None:
        """Give the origin that a dev server believes to have; the editor is told its real one."""
        return None if self.app == EDITOR else f"http://localhost:{self.app}"


def app_named(text: str) -> str:
    """Check the name of an app.

    Raises:
        InvalidInput: it is neither `editor` nor a port, or a port of Bunkhouse's own.
    """
    if text == EDITOR:
        return text
    if not _PORT.fullmatch(text) or int(text) > _HIGHEST_PORT:
        raise InvalidInput(
            f"There is no app {text[:40]!r}.", remedy="Use `editor`, or a port from 1 to 65535."
        )
    if int(text) in OWN_PORTS:
        raise InvalidInput(
            f"Port {text} is Bunkhouse's own in every sandbox.",
            remedy="Let your program listen on another one.",
            code="port_reserved",
        )
    return text


class Origins(Protocol):
    """One way of giving apps origins."""

    mode: Mode
    hub: str
    """The hub's own origin."""
    hubs: tuple[str, ...]
    """All origins under which browsers may have the hub open."""
    secure: bool
    """Browsers take cookies with `Secure` there, and keep other sites apart by them."""
    shared_host: bool
    """The apps' origins differ from each other, and from the hub's, by their port alone."""

    def origin_of(self, address: Address) -> str | None:
        """Give the origin of an app; None if it has none now."""
        ...

    def address_of(self, origin: str) -> Address | None:
        """Say whose an origin is; None if it is no app's."""
        ...

    def locate(self, host: str | None, port: int) -> Address | None:
        """Say for whom a request is, by its Host and by the port where it came in; None: the hub.

        Raises:
            Misdirected: it is for nobody.
        """
        ...

    def cookie_of(self, address: Address) -> str:
        """Name the cookie of an app's origin."""
        ...


class DomainOrigins:
    """Every app has a name of its own below one domain."""

    mode: Mode = "domain"
    shared_host = False

    def __init__(self, hub: str, domain: str) -> None:
        parts = urlsplit(hub)
        local = is_loopback(domain)
        self.hub = hub
        self.hubs = aliases(canonical(parts.scheme, domain, parts.port)) if local else (hub,)
        self.hubs = tuple(dict.fromkeys([hub, *self.hubs]))
        self.secure = parts.scheme == "https" or local
        self._scheme = parts.scheme
        self._host = parts.hostname or ""
        self._port = parts.port
        self._domain = domain

    def origin_of(self, address: Address) -> str:
        """Give the origin of an app."""
        host = f"{address.app}--{address.session}.{self._domain}"
        return canonical(self._scheme, host, self._port)

    def address_of(self, origin: str) -> Address | None:
        """Say whose an origin is; None if it is no app's, or not written as browsers do."""
        scheme, separator, host = origin.partition("://")
        if scheme != self._scheme or not separator:
            return None
        label, _, rest = host.partition(".")
        found = _parse(label)
        if found is None or not rest or self.origin_of(found) != origin:
            return None
        return found

    def locate(self, host: str | None, port: int) -> Address | None:
        """Say for whom a request is; `port` is not asked.

        Raises:
            Misdirected: the name is below the apps' domain, but no app's.
        """
        del port
        if host is None or not self._near(host):
            return None
        name, _, at = host.partition(":")
        own = str(self._port or DEFAULT_PORTS[self._scheme])
        label = name.removesuffix(f".{self._domain}")
        found = _parse(label) if label != name and at in ("", own) else None
        if found is None or host.endswith(":"):
            raise Misdirected("There is nothing at this address.")
        return found

    def cookie_of(self, address: Address) -> str:
        """Name the cookie; its host is what keeps it from other apps."""
        del address
        return "__Host-bunkhouse-app" if self.secure else "bunkhouse-app"

    def _near(self, host: str) -> bool:
        """Say whether a Host, read as generously as can be, is below the apps' domain."""
        name = host.rsplit("@", 1)[-1].strip().lower()
        name = re.sub(r":[^\]]*$", "", name).rstrip(".")
        return name.endswith(f".{self._domain}") and name != self._host


def _parse(label: str) -> Address | None:
    found = _LABEL.fullmatch(label)
    if found is None:
        return None
    app, session = found.groups()
    try:
        return Address(session, app_named(app))
    except InvalidInput:
        return None
