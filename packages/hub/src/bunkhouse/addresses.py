"""Where the hub is, as people know it; everything about origins begins there."""

import ipaddress
import socket
from urllib.parse import urlsplit

from bunkhouse.settings import Settings

LOCAL_NAME = "bunkhouse.localhost"
"""What loopback is called: browsers know every name below `localhost` without asking anybody. Apps
are below this one, so that the page and what it shows in frames are one *site*: a browser that
keeps what other sites' frames store from them (many do) breaks VS Code and others."""

DEFAULT_PORTS = {"http": 80, "https": 443}


def is_loopback(host: str) -> bool:
    """Say whether browsers reach `host` (a name or an address) only on their own machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_trustworthy(url: str) -> bool:
    """Say whether nobody on the way to `url` can answer in its place: by TLS, or on loopback."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or ""
    return (parts.scheme == "https" and host != "") or (
        parts.scheme == "http" and is_loopback(host)
    )


def hub_origin(settings: Settings, port: int | None = None) -> str:
    """Give the hub's origin, `scheme://host[:port]`. `port`: where it listens, if not as set.

    Loopback has the name `LOCAL_NAME`.
    """
    if settings.public_url:
        parts = urlsplit(settings.public_url)
        return canonical(parts.scheme, parts.hostname or "", parts.port)
    return canonical("http", _name_of(settings.host), settings.port if port is None else port)


def canonical(scheme: str, host: str, port: int | None) -> str:
    """Put an origin together as browsers write it: no port where it is the scheme's own."""
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    if port is None or port == DEFAULT_PORTS.get(scheme):
        return f"{scheme}://{host}"
    return f"{scheme}://{host}:{port}"


def aliases(hub: str) -> tuple[str, ...]:
    """Give all origins under which browsers may have the hub open: loopback has three names."""
    parts = urlsplit(hub)
    if not is_loopback(parts.hostname or ""):
        return (hub,)
    names = (
        LOCAL_NAME,
        "localhost",
        "127.0.0.1",
    )  # browsers know no IPv6 addresses in `frame-ancestors`
    return tuple(
        dict.fromkeys([hub, *(canonical(parts.scheme, name, parts.port) for name in names)])
    )


def local_domain(hub: str) -> str:
    """Give the domain of the apps of a hub on loopback: its own name, where it is one."""
    host = urlsplit(hub).hostname or ""
    return host if host.endswith("localhost") else "localhost"


def _name_of(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_loopback:
        return LOCAL_NAME
    return socket.gethostname() if address.is_unspecified else host
