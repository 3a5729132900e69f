"""The manifest of a GitHub App: what GitHub is to make, so that nobody has to copy a key."""

import ipaddress
import re
import secrets
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from bunkhouse.addresses import aliases, is_loopback

PERMISSIONS = {
    "contents": "write",
    "pull_requests": "write",
    "issues": "read",
    "checks": "read",
    "metadata": "read",
    "emails": "read",
}
EVENTS = (
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "issue_comment",
    "check_run",
)
LONGEST_NAME = 34
"""Of an App, at GitHub."""

_PUBLIC_GITHUBS = (".ghe.com",)
_INSIDE = (".local", ".internal", ".lan", ".home.arpa", ".test", ".invalid", ".example")


def manifest(hub: str, *, hears: bool) -> dict[str, Any]:
    """The manifest of the App of the hub at an origin.

    `hears`: GitHub is to tell of pull requests by webhook.
    """
    made: dict[str, Any] = {
        "name": _name(hub),
        "url": hub,
        "description": "Coding agents in sandboxes of their own.",
        "redirect_url": f"{hub}/setup/github/callback",
        # Loopback has several names, and people come back to that by which they came.
        "callback_urls": [f"{origin}/sign-in/github/callback" for origin in aliases(hub)],
        "request_oauth_on_install": True,
        "public": False,
        "default_permissions": PERMISSIONS,
    }
    if hears:
        # GitHub takes no such block without an address, not even one that is not active.
        made["hook_attributes"] = {"url": f"{hub}/api/webhooks/github", "active": True}
        made["default_events"] = list(EVENTS)
    return made


def form_address(github: str, organization: str | None, state: str) -> str:
    """Where a manifest is posted to: for an organization's App, or that of whoever posts it."""
    below = "" if organization is None else f"/organizations/{quote(organization, safe='')}"
    return f"{github}{below}/settings/apps/new?{urlencode({'state': state})}"


def hears(github: str, hub: str) -> bool:
    """Say whether the GitHub at an address can reach a hub at an origin, as far as that shows.

    One of one's own (Enterprise Server) may be in the same network as the hub; github.com is not.
    """
    host = urlsplit(hub).hostname or ""
    if is_loopback(host):
        return False
    there = urlsplit(github).hostname or ""
    if there != "github.com" and not there.endswith(_PUBLIC_GITHUBS):
        return True
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith(_INSIDE)


def _name(hub: str) -> str:
    """A name to begin with. They are unique in all of GitHub, whose page lets it be changed."""
    host = urlsplit(hub).hostname or ""
    if is_loopback(host) or re.fullmatch(r"[\d.:]+", host):
        return f"Bunkhouse {secrets.token_hex(3)}"
    return f"Bunkhouse {host.removeprefix('bunkhouse.')}"[:LONGEST_NAME].rstrip(" .-")
