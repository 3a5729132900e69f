"""Requests to GitHub's REST API, and what can go wrong with them as typed errors."""

import time
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import httpx2
from pydantic import ValidationError

from bunkhouse.errors import (
    BunkhouseError,
    Forbidden,
    GrantRevoked,
    InvalidInput,
    NotFound,
    TooMany,
    UpstreamFailed,
)
from bunkhouse.forges.github import wire
from bunkhouse.version import version

API_VERSION = "2022-11-28"
ANSWER_BYTES = 16 * 1024 * 1024
"""Largest answer that is read."""

_REDIRECTS = 3
_MOVED = (301, 302, 307, 308)
_SAID = 500
"""How much of GitHub's own words an error has."""


def api_of(url: str) -> str:
    """Give the base of the REST API of the GitHub that people look at under `url`."""
    host = urlsplit(url).hostname or ""
    if host == "github.com" or host.endswith(".ghe.com"):
        return f"https://api.{host}"
    return f"{url.rstrip('/')}/api/v3"


class Http:
    """A client of one API. `shown` is how errors call the place."""

    def __init__(
        self, api: str, shown: str, *, connect_seconds: float = 15.0, seconds: float = 30.0
    ) -> None:
        self._api = api
        self._shown = shown
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(seconds, connect=connect_seconds),
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={
                "accept": "application/vnd.github+json",
                "user-agent": f"Bunkhouse/{version()}",
                "x-github-api-version": API_VERSION,
            },
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def call(
        self,
        token: str | None,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> tuple[Any, httpx2.Headers]:
        """Call the API: the JSON that it answers, and the headers. Raises what `forge` lists.

        `token`: None for what anybody may ask.
        """
        request = self._client.build_request(
            method,
            f"{self._api}{path}",
            params=query,
            json=body,
            headers={} if token is None else {"authorization": f"Bearer {token}"},
        )
        status, headers, content = await self._send(request)
        for _ in range(_REDIRECTS):
            moved = self._moved(request, status, headers)
            if moved is None:
                break
            request = moved
            status, headers, content = await self._send(request)
        if status in _MOVED:
            raise self.unexpected()
        if status >= 400:
            raise self._refused(status, headers, content)
        return self._read(status, content), headers

    async def form(self, url: str, fields: Mapping[str, str]) -> Any:
        """Post a form outside of the API and give the JSON that is answered."""
        request = self._client.build_request(
            "POST", url, data=dict(fields), headers={"accept": "application/json"}
        )
        status, headers, content = await self._send(request)
        if status >= 400:
            raise self._refused(status, headers, content)
        return self._read(status, content)

    def unexpected(self) -> UpstreamFailed:
        """What it answered is not what GitHub answers."""
        return UpstreamFailed(
            f"{self._shown} answered something that GitHub does not.",
            remedy="Check that its address is right: BUNKHOUSE_GITHUB_URL, or that in Settings.",
            code="forge_failed",
        )

    async def _send(self, request: httpx2.Request) -> tuple[int, httpx2.Headers, bytes]:
        try:
            response = await self._client.send(request, stream=True)
            try:
                parts = bytearray()
                async for part in response.aiter_bytes():
                    parts += part
                    if len(parts) > ANSWER_BYTES:
                        raise self.unexpected()
            finally:
                await response.aclose()
        except httpx2.TimeoutException as error:
            raise self._unreachable("it takes too long to answer") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise self._unreachable("the connection failed") from error
        return response.status_code, response.headers, bytes(parts)

    def _moved(
        self, request: httpx2.Request, status: int, headers: httpx2.Headers
    ) -> httpx2.Request | None:
        """A repository that was renamed answers from elsewhere; the token goes to no other host."""
        if status not in _MOVED:
            return None
        try:
            url = request.url.join(headers.get("location", ""))
        except httpx2.InvalidURL as error:
            raise self.unexpected() from error
        here, there = ((each.scheme, each.host, each.port) for each in (request.url, url))
        if here != there or (status in (301, 302) and request.method != "GET"):
            raise self.unexpected()
        return self._client.build_request(
            request.method, url, content=request.content, headers=request.headers
        )

    def _read(self, status: int, content: bytes) -> Any:
        if status == 204:
            return None
        try:
            return httpx2.Response(status, content=content).json()
        except ValueError as error:
            raise self.unexpected() from error

    def _unreachable(self, why: str) -> UpstreamFailed:
        return UpstreamFailed(
            f"{self._shown} can't be reached: {why}.",
            remedy="Check that the hub's machine can reach it, and try again.",
            code="forge_unreachable",
        )

    def _refused(self, status: int, headers: httpx2.Headers, content: bytes) -> BunkhouseError:
        said = _words(content)
        wait = _seconds_to_wait(status, headers)
        if wait is not None:
            return TooMany(
                f"{self._shown} takes no more calls for you now.",
                remedy=f"Try again in {wait} s.",
                code="forge_rate_limited",
            )
        match status:
            case 401:
                return revoked(self._shown)
            case 403 | 451:
                return Forbidden(
                    f"{self._shown} does not let you do this: {said}",
                    remedy="Check what your account and its token may do there.",
                    code="forge_forbidden",
                )
            case 404 | 410:
                return NotFound(
                    f"{self._shown} has no such thing, or does not show it to you.",
                    remedy="Check the name, and what your token may see.",
                    code="forge_not_found",
                )
            case _ if status < 500:
                return InvalidInput(f"{self._shown} refuses this: {said}", code="forge_refused")
            case _:
                return UpstreamFailed(
                    f"{self._shown} has an error of its own ({status}).",
                    remedy="Try again in a while.",
                    code="forge_failed",
                )


def revoked(shown: str) -> GrantRevoked:
    """The forge takes the token no more."""
    return GrantRevoked(
        f"{shown} does not accept your sign-in there any more.",
        remedy="Sign in again, or give a new token, in Settings.",
    )


def _seconds_to_wait(status: int, headers: httpx2.Headers) -> int | None:
    """For how long no call is welcome; None where that is not what was said."""
    if status not in (403, 429):
        return None
    after = headers.get("retry-after", "")
    if after.isdecimal():
        return max(1, int(after))
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(1, int(reset) - int(time.time()))
    return 60 if status == 429 else None


def _words(content: bytes) -> str:
    """GitHub's own words: its message, and what it says of each field."""
    try:
        said = wire.Refusal.model_validate_json(content)
    except ValidationError:
        return "no reason was given."
    details = [each if isinstance(each, str) else each.words for each in said.errors]
    line = " ".join("; ".join(word for word in (said.message, *details) if word).split())
    return line[:_SAID] or "no reason was given."
