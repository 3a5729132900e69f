"""The git door: smart HTTP for exactly the repository of the session.

    GET  /sandbox/git/{door}/info/refs?service=git-upload-pack
    POST /sandbox/git/{door}/git-upload-pack
    GET  /sandbox/git/{door}/info/refs?service=git-receive-pack
    POST /sandbox/git/{door}/git-receive-pack

Cloning and fetching work in full (protocol version 2, shallow, partial). The hub goes to the host
as the person who started the session, where they have signed in there. So far as they have, the
session may push to its own branch (`receiving`).
"""

import asyncio
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from bunkhouse.broker.git import local, refusals
from bunkhouse.broker.git.credentials import Credentials
from bunkhouse.broker.git.pushing import Visitor
from bunkhouse.broker.git.receiving import PUSH_BYTES, PUSH_SECONDS, Receiving
from bunkhouse.broker.git.remote import RemoteGit
from bunkhouse.broker.git.repositories import RepositoryRef, recall
from bunkhouse.broker.passthrough import BodyTooLarge, ClientGone, Download, Passthrough, Upload
from bunkhouse.errors import BunkhouseError, InvalidInput, NotFound, TooLarge

BODY_BYTES = 64 * 1024 * 1024
"""Largest request: what a client has and wants, some fifty bytes for each reference."""

AT_ONCE = 8
"""Requests of one session at the same time, since each may cost processes on the hub's machine;
others wait."""

Exchange = Callable[[Upload, Download], Awaitable[None]]
_Service = Literal["refs", "pack", "push refs", "receive"]


class GitDoor:
    """Serves repositories to sandboxes. One for the hub; `aclose` when it ends."""

    def __init__(
        self,
        *,
        connect_seconds: float = 15.0,
        idle_seconds: float = 300.0,
        credentials: Credentials | None = None,
        pushes: Path | None = None,
        push_bytes: int = PUSH_BYTES,
        push_seconds: float = PUSH_SECONDS,
    ) -> None:
        """`pushes`: a folder for what is pushed, while it is looked into; it is emptied.

        Without `credentials` all hosts are asked as nobody, and nothing can be pushed.
        """
        self._remote = RemoteGit(connect_seconds=connect_seconds, idle_seconds=idle_seconds)
        self._credentials = credentials
        self._receiving = None
        self._push_bytes = push_bytes
        if credentials is not None and pushes is not None:
            self._receiving = Receiving(
                self._remote, credentials, pushes, size=push_bytes, seconds=push_seconds
            )
        self._turnstiles: dict[str, asyncio.Semaphore] = {}
        self._inside: Counter[str] = Counter()

    async def aclose(self) -> None:
        """Close the connections to hosts."""
        await self._remote.aclose()

    async def serve(
        self, request: Request, *, path: str, repository: str | None, visitor: Visitor | None = None
    ) -> Response:
        """Answer a sandbox. `path` is what follows `/sandbox/git/`, decoded.

        `repository` is the `RepositoryRef.url` of the session's repository; the caller has made
        sure that the request is of that session. `visitor` says whose turn it is where many
        requests come at once, and for whom the hub goes to the host. Refusals are plain text,
        which git shows.
        """
        try:
            ref, service = _wanted(request, path, repository)
            exchange = self._exchange(ref, service, request, visitor)
        except BunkhouseError as error:
            return refusals.answer(error)
        who = visitor.session_id if visitor else ref.url
        limit = BODY_BYTES if service != "receive" else self._push_bytes + BODY_BYTES
        return Passthrough(self._in_turn(exchange, who), limit=limit)

    def _exchange(
        self, ref: RepositoryRef, service: _Service, request: Request, visitor: Visitor | None
    ) -> Exchange:
        if service in ("push refs", "receive"):
            return self._push(ref, service, visitor)
        serve = self._folder if ref.kind == "folder" else self._host
        return serve(ref, service, request, visitor)

    def _folder(
        self, ref: RepositoryRef, service: _Service, request: Request, visitor: Visitor | None
    ) -> Exchange:
        protocol = request.headers.get("git-protocol")
        encoding = request.headers.get("content-encoding", "")

        async def exchange(upload: Upload, download: Download) -> None:
            if service == "refs":
                await local.advertise(ref, protocol, download)
            else:
                await local.upload_pack(ref, protocol, encoding, upload, download)

        return exchange

    def _host(
        self, ref: RepositoryRef, service: _Service, request: Request, visitor: Visitor | None
    ) -> Exchange:
        async def exchange(upload: Upload, download: Download) -> None:
            credential = None
            if visitor is not None and self._credentials is not None:
                credential = await self._credentials.if_any(ref, visitor.author_id)
            if service == "refs":
                await self._remote.advertise(ref, request, download, credential)
            else:
                await self._remote.upload_pack(ref, request, upload, download, credential)

        return exchange

    def _push(self, ref: RepositoryRef, service: _Service, visitor: Visitor | None) -> Exchange:
        receiving = self._receiving
        if receiving is None or visitor is None or visitor.branch is None:
            raise refusals.no_branch()

        async def exchange(upload: Upload, download: Download) -> None:
            if service == "push refs":
                await receiving.advertise(ref, visitor, download)
            else:
                await receiving.receive(ref, visitor, upload, download)

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


def _wanted(request: Request, path: str, repository: str | None) -> tuple[RepositoryRef, _Service]:
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
    if below == "info/refs" and request.method == "GET":
        if service == "git-upload-pack":
            return ref, "refs"
        if service == "git-receive-pack":
            return ref, "push refs"
        raise InvalidInput("This door speaks git's smart HTTP alone.", code="not_smart")
    if below == "git-upload-pack" and request.method == "POST":
        return ref, "pack"
    if below == "git-receive-pack" and request.method == "POST":
        return ref, "receive"
    raise NotFound("This door lets a session clone, fetch and push, and nothing else.")
