"""What the page may show in frames: the origins of apps, and nothing else."""

from urllib.parse import urlsplit

from bunkhouse.addresses import hub_origin, is_loopback, local_domain
from bunkhouse.settings import Settings


def frame_sources(settings: Settings) -> str:
    """Give the sources of the page's `frame-src`, for a Content-Security-Policy.

    Any port, since the hub may listen on another than was set.
    """
    parts = urlsplit(hub_origin(settings))
    host = parts.hostname or "localhost"
    if settings.apps_domain:
        return f"{parts.scheme}://*.{settings.apps_domain}:*"
    if settings.apps_ports:
        bracketed = f"[{host}]" if ":" in host else host
        return f"{parts.scheme}://{bracketed}:*"
    if not is_loopback(host):
        return "'none'"
    return f"{parts.scheme}://*.{local_domain(hub_origin(settings))}:*"
