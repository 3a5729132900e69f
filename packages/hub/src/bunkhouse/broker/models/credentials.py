"""What is taken off requests and answers at the models door, and what is put on.

Up: nothing that the sandbox used to identify itself, nothing that chooses whom the installation's
account bills. Down: nothing of the account, no cookie, and never the key, even where an error
quotes it.
"""

import re

import httpx2
from starlette.requests import Request

from bunkhouse.broker.models.dialects import QUERY_SECRETS
from bunkhouse.broker.models.providers import Provider
from bunkhouse.broker.passthrough import RawHeaders, end_to_end

_NOT_UP = frozenset(
    {
        "accept-encoding",
        "api-key",
        "authorization",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "openai-organization",
        "openai-project",
        "via",
        "x-api-key",
        "x-goog-api-key",
        "x-goog-user-project",
        "x-real-ip",
    }
)
_NOT_DOWN = frozenset({"openai-organization", "openai-project", "server", "set-cookie", "date"})

_HIDDEN = "[key]"
_KEYLIKE = re.compile(r"\b(?:sk-|AIza)[A-Za-z0-9_\-*.…]{8,}")
"""Keys that a provider shows in part: `Incorrect API key provided: sk-abc***xyz`."""


def upward_headers(request: Request, provider: Provider) -> list[tuple[str, str]]:
    """The request's headers as the provider gets them, with the installation's key.

    An answer that is not compressed is asked for, so that its end can be recognised.
    """
    tokens = _tokens(request)
    headers = [
        (name, value)
        for name, value in end_to_end(request.headers.items())
        if name not in _NOT_UP
        and not name.startswith("x-forwarded-")
        and not any(token in value for token in tokens)
    ]
    headers.append(("accept-encoding", "identity"))
    if provider.key is not None:
        key = provider.key.get_secret_value()
        if provider.dialect == "anthropic":
            headers.append(("x-api-key", key))
        elif provider.dialect == "gemini":
            headers.append(("x-goog-api-key", key))
        else:
            headers.append(("authorization", f"Bearer {key}"))
    return headers


def _tokens(request: Request) -> list[str]:
    """Whatever the sandbox may have identified itself with, in any form."""
    given = [request.headers.get(name, "") for name in ("x-api-key", "x-goog-api-key", "api-key")]
    given += [part for part in request.headers.get("authorization", "").split(" ")[1:] if part]
    given += [
        value for name, value in request.query_params.multi_items() if name.lower() in QUERY_SECRETS
    ]
    return [token for token in given if len(token) >= 8]


def downward_headers(provider: Provider, headers: httpx2.Headers) -> RawHeaders:
    """The answer's headers as the sandbox gets them."""
    return [
        (name.encode("latin-1"), scrub(value, provider).encode("latin-1", "replace"))
        for name, value in end_to_end(headers.multi_items())
        if name not in _NOT_DOWN
    ]


def scrub(text: str, provider: Provider) -> str:
    """The text without the provider's key, whole or shown in part."""
    if provider.key is not None:
        text = text.replace(provider.key.get_secret_value(), _HIDDEN)
    return _KEYLIKE.sub(_HIDDEN, text)
