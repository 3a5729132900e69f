"""Relays git's smart HTTP to the host of a repository's URL, streamed both ways.

Nothing of the sandbox's identity goes up; a person's credential is put in here, and goes to the
origin of the repository's URL alone, whatever that redirects to. Down come only answers that are
git's own, so that the hub can't be made to read any other thing that it can reach.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Literal

import httpx2
from starlette.requests import Request

from bunkhouse.broker.git import refusals
from bunkhouse.broker.git.packets import References, read_references
from bunkhouse.broker.git.repositories import RepositoryRef
from bunkhouse.broker.passthrough import Download, Upload, end_to_end
from bunkhouse.errors import InvalidInput

_REFS = "/info/refs"
Service = Literal["git-upload-pack", "git-receive-pack"]

_UP = (
    "accept",
    "accept-encoding",
    "accept-language",
    "content-encoding",
    "content-length",
    "content-type",
    "git-protocol",
    "user-agent",
)
"""Headers that the host gets; all others stay here."""

_DOWN = frozenset({"cache-control", "content-encoding", "content-length", "content-type"})

_AGENT = "git/2.39.0"
"""Some hosts answer with a web page whom they don't take for git."""

_REDIRECTS = 5
_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Credential:
    """What shows a host for whom the hub comes."""

    authorization: str = field(repr=False)
    rejected: Callable[[], Awaitable[None]]
    """Called when the host does not take it."""


class RemoteGit:
    """Smart HTTP of other hosts. One for the hub; `aclose` when it ends."""

    def __init__(self, *, connect_seconds: float = 15.0, idle_seconds: float = 300.0) -> None:
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(idle_seconds, connect=connect_seconds, pool=None),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=8),
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )
        self._bases: OrderedDict[str, str] = OrderedDict()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def check(self, ref: RepositoryRef, credential: Credential | None = None) -> None:
        """Make sure that the host has the repository; raises what is wrong otherwise."""
        headers = [("user-agent", _AGENT), ("git-protocol", "version=2")]
        response = await self._refs(ref, "git-upload-pack", headers, credential)
        await response.aclose()

    async def advertise(
        self,
        ref: RepositoryRef,
        request: Request,
        download: Download,
        credential: Credential | None = None,
    ) -> None:
        """Answer `GET info/refs?service=git-upload-pack`."""
        response = await self._refs(ref, "git-upload-pack", _headers(request), credential)
        try:
            await _pass(response, download)
        finally:
            await response.aclose()

    async def upload_pack(
        self,
        ref: RepositoryRef,
        request: Request,
        upload: Upload,
        download: Download,
        credential: Credential | None = None,
    ) -> None:
        """Answer `POST git-upload-pack`."""
        if ref.url not in self._bases:
            # The hub was started anew since the client asked: find out again where it leads.
            await self.check(ref, credential)
        service: Service = "git-upload-pack"
        shown = _headers(request)
        await self._post(ref, service, shown, upload, download=download, credential=credential)

    async def references(self, ref: RepositoryRef, credential: Credential) -> References:
        """What the host has, as it says to who wants to push."""
        headers = [("user-agent", _AGENT), ("accept", "*/*")]
        response = await self._refs(ref, "git-receive-pack", headers, credential)
        try:
            return await read_references(response.aiter_bytes())
        except (httpx2.HTTPError, OSError) as error:
            raise refusals.unreachable(ref.url, _why(error)) from error
        except InvalidInput as error:
            raise refusals.not_a_repository(ref.url) from error
        finally:
            await response.aclose()

    async def receive_pack(
        self,
        ref: RepositoryRef,
        body: AsyncIterator[bytes],
        size: int,
        download: Download,
        credential: Credential,
    ) -> None:
        """Answer `POST git-receive-pack` with what the host says to `body`, of `size` bytes."""
        headers = [
            ("user-agent", _AGENT),
            ("accept", "application/x-git-receive-pack-result"),
            ("accept-encoding", "identity"),
            ("content-type", "application/x-git-receive-pack-request"),
            ("content-length", str(size)),
        ]
        service: Service = "git-receive-pack"
        await self._post(ref, service, headers, body, download=download, credential=credential)

    async def base(self, ref: RepositoryRef, credential: Credential | None) -> str:
        """Where the host redirects to, as a URL for git."""
        if ref.url not in self._bases:
            await self.check(ref, credential)
        return self._bases[ref.url]

    async def _post(
        self,
        ref: RepositoryRef,
        service: Service,
        headers: list[tuple[str, str]],
        body: AsyncIterator[bytes] | Upload,
        *,
        download: Download,
        credential: Credential | None,
    ) -> None:
        url = httpx2.URL(f"{await self.base(ref, credential)}/{service}")
        shown = [*headers, *shown_to(ref, url, credential)]
        upstream = self._client.build_request(
            "POST", url, headers=httpx2.Headers(shown), content=body
        )
        response = await self._send(ref, upstream)
        try:
            await _must_be_git(ref, response, service, "result", credential)
            await _pass(response, download)
        finally:
            await response.aclose()

    async def _refs(
        self,
        ref: RepositoryRef,
        service: Service,
        headers: list[tuple[str, str]],
        credential: Credential | None,
    ) -> httpx2.Response:
        """Ask for the references, where the host redirects to, and remember where that was."""
        url = httpx2.URL(f"{ref.url}{_REFS}", params={"service": service})
        for _ in range(_REDIRECTS + 1):
            shown = [*headers, *shown_to(ref, url, credential)]
            upstream = self._client.build_request("GET", url, headers=httpx2.Headers(shown))
            response = await self._send(ref, upstream)
            location = response.headers.get("location")
            if response.status_code not in (301, 302, 303, 307, 308) or location is None:
                break
            await response.aclose()
            url = _joined(ref, url, location)
        else:
            raise refusals.unreachable(ref.url, "it redirects in a circle")
        try:
            await _must_be_git(ref, response, service, "advertisement", credential)
            if not url.path.endswith(_REFS):
                raise refusals.not_a_repository(ref.url)
        except BaseException:
            await response.aclose()
            raise
        self._bases[ref.url] = str(url.copy_with(query=None)).removesuffix(_REFS)
        self._bases.move_to_end(ref.url)
        while len(self._bases) > _REMEMBERED:
            self._bases.popitem(last=False)
        return response

    async def _send(self, ref: RepositoryRef, request: httpx2.Request) -> httpx2.Response:
        try:
            return await self._client.send(request, stream=True)
        except httpx2.ConnectTimeout as error:
            raise refusals.unreachable(ref.url, "no connection in time") from error
        except httpx2.TimeoutException as error:
            raise refusals.unreachable(ref.url, "it takes too long to answer") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise refusals.unreachable(ref.url, _why(error)) from error


def _headers(request: Request) -> list[tuple[str, str]]:
    passed = [(n, v) for n, v in end_to_end(request.headers.items()) if n in _UP]
    names = {name for name, _ in passed}
    defaults = (("user-agent", _AGENT), ("accept", "*/*"), ("accept-encoding", "identity"))
    return [*passed, *((name, value) for name, value in defaults if name not in names)]


async def _pass(response: httpx2.Response, download: Download) -> None:
    passed = end_to_end(response.headers.multi_items())
    raw = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in passed if n in _DOWN]
    await download.start(response.status_code, raw)
    try:
        async with aclosing(response.aiter_raw()) as chunks:
            async for chunk in chunks:
                await download.write(chunk)
    except (httpx2.HTTPError, OSError):
        return  # the client sees the connection break off, and that its pack is not whole
    await download.finish()


async def _must_be_git(
    ref: RepositoryRef,
    response: httpx2.Response,
    service: Service,
    part: str,
    credential: Credential | None,
) -> None:
    status = response.status_code
    if status == 401 and credential is not None:
        await credential.rejected()
        raise refusals.signed_out(ref.url)
    if status == 403 and credential is not None and service == "git-receive-pack":
        raise refusals.no_push(ref.url)
    if status in (401, 403, 404, 410):
        unseen = refusals.not_found if credential is None else refusals.not_shown
        raise unseen(ref.url)
    if status == 429 or status >= 500:
        raise refusals.failed(ref.url, status)
    kind = response.headers.get("content-type", "").partition(";")[0]
    if status != 200 or kind != f"application/x-{service}-{part}":
        raise refusals.not_a_repository(ref.url)


def shown_to(
    ref: RepositoryRef, at: httpx2.URL | str, credential: Credential | None
) -> list[tuple[str, str]]:
    """The credential as a header, where this is the origin that it is for."""
    if credential is None:
        return []
    url, meant = httpx2.URL(at), httpx2.URL(ref.url)
    same = (url.scheme, url.host, url.port) == (meant.scheme, meant.host, meant.port)
    return [("authorization", credential.authorization)] if same else []


def _joined(ref: RepositoryRef, url: httpx2.URL, location: str) -> httpx2.URL:
    try:
        joined = url.join(location)
    except httpx2.InvalidURL as error:
        raise refusals.not_a_repository(ref.url) from error
    if joined.scheme not in ("http", "https") or joined.userinfo:
        raise refusals.not_a_repository(ref.url)
    return joined


def _why(error: Exception) -> str:
    said = str(error).lower()
    if "certificate" in said:
        return "its certificate is not trusted on the hub's machine (see SSL_CERT_FILE)"
    if "name or service" in said or "name resolution" in said or "no address" in said:
        return "its name can't be resolved"
    if isinstance(error, httpx2.ConnectError):
        return "nothing accepts the connection"
    return "the connection was closed"
