"""What differs between the APIs that providers speak.

A sandbox may ask a provider to generate, to list its models and to count tokens: what an agent
needs. All else that a key opens (files, batches, fine-tuning, organisation, other keys) is not
reachable, since the key is the installation's and not the session's.
"""

import re
from typing import Any, Literal

import httpx2

from bunkhouse.broker.models.providers import Dialect, Provider

_ID = r"[A-Za-z0-9][A-Za-z0-9._:@+-]*"
"""One segment of a model's id; it can't be `..` and has nothing to decode."""

_PATHS: dict[Dialect, tuple[tuple[str, re.Pattern[str]], ...]] = {
    "openai": (
        (
            "POST",
            re.compile(
                r"(?:v1/)?(chat/completions|completions|responses(?:/compact|/input_tokens)?)"
            ),
        ),
        ("GET", re.compile(rf"(?:v1/)?(models(?:/{_ID})*)")),
    ),
    "anthropic": (
        ("POST", re.compile(r"(?:v1/)?(messages(?:/count_tokens)?)")),
        ("GET", re.compile(rf"(?:v1/)?(models(?:/{_ID})?)")),
    ),
    "gemini": (
        (
            "POST",
            re.compile(
                rf"((?:v1|v1beta|v1alpha)/)?(models/{_ID}"
                r":(?:generateContent|streamGenerateContent|countTokens))"
            ),
        ),
        ("GET", re.compile(rf"((?:v1|v1beta|v1alpha)/)?(models(?:/{_ID})?)")),
    ),
}

_VERSION = re.compile(r"/(?:v1|v1beta|v1alpha)$")
_OF_PATH = re.compile(rf"models/({_ID}?)(?::[A-Za-z]+)?$")
_OF_BODY = re.compile(rb'"model"\s*:\s*"((?:[^"\\]|\\.){1,200})"')

QUERY_SECRETS = frozenset({"key", "api_key", "apikey", "api-key", "access_token", "token"})
"""Query parameters that may carry a credential: never passed on."""


def upstream_url(
    provider: Provider, method: str, path: str, query: list[tuple[str, str]]
) -> httpx2.URL | None:
    """The provider's URL for a request to the door; None where the door does not lead there.

    `path` is what follows `/sandbox/models/{provider}/`, decoded.
    """
    for allowed, pattern in _PATHS[provider.dialect]:
        match = pattern.fullmatch(path)
        if match is None or allowed != method:
            continue
        base = httpx2.URL(provider.base_url)
        if provider.dialect == "openai":
            full = f"{base.path.rstrip('/')}/{match[1]}"
        else:
            root = _VERSION.sub("", base.path.rstrip("/"))
            version = "v1/" if provider.dialect == "anthropic" else match[1] or "v1beta/"
            full = f"{root}/{version}{match[match.lastindex or 1]}"
        params = httpx2.QueryParams(base.params)
        for name, value in query:
            if name.lower() not in QUERY_SECRETS:
                params = params.add(name, value)
        return base.copy_with(path=full, params=params)
    return None


def model_named(path: str, head: bytes) -> str | None:
    """The model that a request is about, for messages: from its path, or its body's beginning."""
    if match := _OF_PATH.search(path):
        return match[1]
    if match := _OF_BODY.search(head):
        return match[1].decode("utf-8", "replace")
    return None


ErrorKind = Literal["invalid", "forbidden", "too_large", "unreachable"]

_TYPES: dict[Dialect, dict[ErrorKind, str]] = {
    "openai": {
        "invalid": "invalid_request_error",
        "forbidden": "invalid_request_error",
        "too_large": "invalid_request_error",
        "unreachable": "server_error",
    },
    "anthropic": {
        "invalid": "invalid_request_error",
        "forbidden": "permission_error",
        "too_large": "request_too_large",
        "unreachable": "api_error",
    },
    "gemini": {
        "invalid": "INVALID_ARGUMENT",
        "forbidden": "PERMISSION_DENIED",
        "too_large": "INVALID_ARGUMENT",
        "unreachable": "UNAVAILABLE",
    },
}


def error_body(
    dialect: Dialect, status: int, kind: ErrorKind, code: str, message: str
) -> dict[str, Any]:
    """An error in the shape that the provider's own clients read."""
    named = _TYPES[dialect][kind]
    if dialect == "anthropic":
        return {"type": "error", "error": {"type": named, "message": message}}
    if dialect == "gemini":
        return {"error": {"code": status, "message": message, "status": named}}
    return {"error": {"message": message, "type": named, "param": None, "code": code}}
