"""Every error as problem details (RFC 9457): what happened, a code, and what the reader can do."""

import http
from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response

from bunkhouse.api.schemas import ProblemDetails
from bunkhouse.errors import BunkhouseError, RoleNeeded, ScopeNeeded

_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
_SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
}

RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What went wrong.",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
        },
    }
}
"""For the OpenAPI description of each route."""


def problem(
    status: int,
    detail: str,
    *,
    code: str,
    remedy: str | None = None,
    errors: list[dict[str, object]] | None = None,
    role: str | None = None,
    scope: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Make the answer to a request that failed. Those with 401 say how to sign in."""
    details = ProblemDetails(
        title=http.HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        remedy=remedy,
        errors=errors,
        role=role,
        scope=scope,
    )
    sent = dict(headers or {})
    if status == 401:
        sent.setdefault("WWW-Authenticate", 'Bearer realm="bunkhouse"')
    return JSONResponse(
        details.model_dump(exclude_none=True),
        status_code=status,
        headers=sent,
        media_type="application/problem+json",
    )


def from_error(error: BunkhouseError) -> Response:
    """Answer with an error that one of our rooms raised."""
    headers = {"Retry-After": str(error.retry_after or 5)} if error.status in (429, 503) else None
    return problem(
        error.status,
        error.message,
        code=error.reason,
        remedy=error.remedy,
        role=error.role if isinstance(error, RoleNeeded) else None,
        scope=error.scope if isinstance(error, ScopeNeeded) else None,
        headers=headers,
    )


async def on_bunkhouse_error(_request: HTTPConnection, error: BunkhouseError) -> Response:
    """Handle what our rooms raise."""
    return from_error(error)


async def on_invalid(_request: HTTPConnection, error: RequestValidationError) -> Response:
    """Handle input that does not fit its schema: say where and what, without echoing values."""
    found: list[dict[str, object]] = [
        {"where": [str(part) for part in each["loc"]], "what": each["msg"], "kind": each["type"]}
        for each in error.errors()
    ]
    first = found[0]
    where = ".".join(map(str, error.errors()[0]["loc"][1:])) or str(error.errors()[0]["loc"][0])
    return problem(
        422,
        f"What was sent can't be taken: {where}: {first['what']}.",
        code="invalid_input",
        errors=found,
    )


async def on_http_error(_request: HTTPConnection, error: HTTPException) -> Response:
    """Handle what the framework raises by itself: unknown addresses, wrong methods, bad bodies."""
    status = error.status_code
    return problem(
        status,
        _SENTENCES.get(status, str(error.detail)),
        code=_CODES.get(status, "bad_request" if status < 500 else "internal"),
        headers=error.headers,
    )


async def on_crash(_request: HTTPConnection, _error: Exception) -> Response:
    """Handle our own mistakes: the server logs the trace, the reader gets no insides."""
    return problem(
        500,
        "The hub made a mistake; its log says more.",
        code="internal",
        remedy="Try again. If it stays, report it with the hub's log.",
    )
