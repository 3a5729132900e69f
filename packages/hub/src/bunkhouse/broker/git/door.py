"""The git door: smart HTTP for exactly the repository of the session.

    GET  /sandbox/git/{door}/info/refs?service=git-upload-pack
    POST /sandbox/git/{door}/git-upload-pack

Cloning and fetching work in full (protocol version 2, shallow, partial). Pushing does not: it needs
somebody's name at the host, and comes with sign-in there.
"""

import asyncio
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from bunkhouse.broker.git import local, refusals
from bunkhouse.broker.git.remote import RemoteGit
from bunkhouse.broker.git.repositories import RepositoryRef, recall
from bunkhouse.broker.passthrough import BodyTooLarge, ClientGone, Download, Passthrough, Upload
from bunkhouse.errors import BunkhouseError, Forbidden, InvalidInput, NotFound, TooLarge

BODY_BYTES = 64 * 1024 * 1024
"""Largest request: what a client has and wants, some fifty bytes for each reference."""

AT_ONCE = 8
"""Requests of one session at the same time, since each may cost processes on the hub's machine;
others wait."""

Exchange = Callable[[Upload, Download], Awaitable[None]]


class GitDoor:
    """Serves repositories to sandboxes. One for the hub; `aclose` when it ends."""

    def __init__(self, *, connect_seconds: float = 15.0, idle_seconds: float = 300.0) -> None:
        self._remote = RemoteGit(connect_seconds=connect_seconds, idle_seconds=idle_seconds)
        self._turnstiles: dict[str, asyncio.Semaphore] = {}
        self._inside: Counter[str] = Counter()

    async def aclose(self) -> None:
        """Close the connections to hosts."""
        await self._remote.aclose()

    async def serve(
        self, request: Request, *, path: str, repository: str | None, session_id: str | None = None
    ) -> Response:
        """Answer a sandbox. `path` is what follows `/sandbox/git/`, decoded.

        `repository` is the `RepositoryRef.url` of the session's repository; the caller has made
        sure that the request is of that session. `session_id` is whose turn it is where many
        requests come at once. Refusals are plain text, which git shows.
        """
        try:
            ref, service = _wanted(request, path, repository)
        except BunkhouseError as error:
            return refusals.answer(error)
        exchange = self._advertise(ref, request) if service == "refs" else self._pack(ref, request)
        return Passthrough(self._in_turn(exchange, session_id or ref.url), limit=BODY_BYTES)

    def _advertise(self, ref: RepositoryRef, request: Request) -> Exchange:
        async def exchange(upload: Upload, download: Download) -> None:
            if ref.kind == "folder":
                await local.advertise(ref, request.headers.get("git-protocol"), download)
            else:
                await self._remote.advertise(ref, request, download)

        return exchange

    def _pack(self, ref: RepositoryRef, request: Request) -> Exchange:
        async def exchange(upload: Upload, download: Download) -> None:
            if ref.kind == "folder":
                protocol = request.headers.get("git-protocol")
                encoding = request.headers.get("content-encoding", "")
                await local.upload_pack(ref, protocol, encoding, upload, download)
            else:
                await self._remote.upload_pack(ref, request, upload, download)

        return exchange

    def _in_turn(self, exchange: Exchange, who: str) -> Exchange:
        async def in_turn(upload: Upload, download: Download) -> None:
            turnstile = self._turnstiles.setdefault(who, asyncio.Semaphore(AT_ONCE))
            self._inside[who] += 1
            try:
                async with turnstile:
                    await exchange(upload, download)
            except ClientGone:
                return
            except (BodyTooLarge, zlib.error):
                await _refuse(download, TooLarge("The request is larger than the git door takes."))
            except BunkhouseError as error:
                await _refuse(download, error)
            finally:
                self._inside[who] -= 1
                if not self._inside[who]:
                    del self._inside[who], self._turnstiles[who]

        return in_turn


async def _refuse(download: Download, error: BunkhouseError) -> None:
    if not download.started:
        await download.whole(refusals.answer(error))


def _wanted(request: Request, path: str, repository: str | None) -> tuple[RepositoryRef, str]:
    """Which repository and which service of it; raises what the client is to be told."""
    if repository is None:
        raise NotFound("This session has no repository.", code="repository_not_found")
    ref = recall(repository)
    place = path.strip("/")
    below = next(
        (place.removeprefix(door) for door in (f"{ref.door}.git/", f"{ref.door}/")
         if place.startswith(door)),
        None,
    )  # fmt: skip
    service = request.query_params.get("service")
    if below is None:
        raise NotFound(
            "Through this door a session reaches its own repository alone.",
            code="repository_not_found",
        )
    if below == "git-receive-pack" or service == "git-receive-pack":
        raise Forbidden(
            "Pushing from a sandbox is not possible yet: it comes with sign-in at the host. "
            "The changes are in the session's Changes tab, as a patch too.",
            code="push_not_possible",
        )
    if below == "info/refs" and request.method == "GET":
        if service != "git-upload-pack":
            raise InvalidInput("This door speaks git's smart HTTP alone.", code="not_smart")
        return ref, "refs"
    if below == "git-upload-pack" and request.method == "POST":
        return ref, "pack"
    raise NotFound("This door lets a session clone and fetch, and nothing else.")
