"""Taking pushes from sandboxes: into quarantine, and on to the host if all of it is allowed."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import structlog

from bunkhouse.broker.git import packets, pushing, refusals
from bunkhouse.broker.git.credentials import Credentials
from bunkhouse.broker.git.packets import FLUSH, Packets, Push
from bunkhouse.broker.git.pushing import Refusal, Visitor
from bunkhouse.broker.git.quarantine import Quarantine, quarantine
from bunkhouse.broker.git.remote import Credential, RemoteGit, shown_to
from bunkhouse.broker.git.repositories import RepositoryRef
from bunkhouse.broker.passthrough import BodyTooLarge, Download, Upload
from bunkhouse.errors import BunkhouseError, Forbidden, InvalidInput, StorageFull

PUSH_BYTES = 512 * 1024 * 1024
PUSH_SECONDS = 300.0
AT_ONCE = 4
"""Pushes that the hub looks into at the same time; others wait."""

_CHUNK = 256 * 1024
_KIND = "application/x-git-receive-pack"
_NO_CACHE = [(b"cache-control", b"no-cache, max-age=0, must-revalidate")]

_audit = structlog.get_logger("bunkhouse.audit")


class Receiving:
    """Takes pushes. `folder` is for what is looked into; what was left there is thrown away."""

    def __init__(
        self,
        remote: RemoteGit,
        credentials: Credentials,
        folder: Path,
        *,
        size: int = PUSH_BYTES,
        seconds: float = PUSH_SECONDS,
    ) -> None:
        self._remote = remote
        self._credentials = credentials
        self._folder = folder
        self._size = size
        self._seconds = seconds
        self._turnstile = asyncio.Semaphore(AT_ONCE)
        shutil.rmtree(folder, ignore_errors=True)

    async def advertise(self, ref: RepositoryRef, visitor: Visitor, download: Download) -> None:
        """Answer `GET info/refs?service=git-receive-pack`; raises what the client is to be told."""
        _own_branch(visitor)
        credential = await self._credentials.of(ref, visitor.author_id)
        found = await self._remote.references(ref, credential)
        await download.start(200, _head("advertisement"))
        await download.write(packets.write_references(pushing.offered(found, visitor.base_commit)))
        await download.finish()

    async def receive(
        self, ref: RepositoryRef, visitor: Visitor, upload: Upload, download: Download
    ) -> None:
        """Answer `POST git-receive-pack`."""
        body = Packets(aiter(upload))
        first = await body.section()
        if not first:
            # The client tries whether it is let in before it sends something large.
            await _answer(download, b"")
            return
        push = packets.read_push(first)
        try:
            refusal = pushing.check_commands(push, _own_branch(visitor))
            if refusal is None:
                async with self._turnstile:
                    refusal = await self._look_and_pass_on(ref, visitor, push, body, download)
        except BunkhouseError as error:
            refusal = _explained(push, error)
        except BodyTooLarge:
            refusal = _explained(push, InvalidInput("The push is larger than the hub takes."))
        except OSError as error:
            why = StorageFull(f"The hub can't keep this push: {error.strerror or error}.")
            refusal = _explained(push, why)
        if refusal is None:
            return
        _audit.warning("push_refused", session=visitor.session_id, reasons=refusal.reasons)
        if not download.started:
            said = packets.write_refusal(push, refusal.reasons, refusal.said)
            await _answer(download, said + (b"" if said else FLUSH))

    async def _look_and_pass_on(
        self,
        ref: RepositoryRef,
        visitor: Visitor,
        push: Push,
        body: Packets,
        download: Download,
    ) -> Refusal | None:
        credential = await self._credentials.of(ref, visitor.author_id)
        async with quarantine(self._folder, size=self._size, seconds=self._seconds) as place:
            if push.has_pack:
                await place.take(body.rest())
                refusal = await self._check_commits(ref, visitor, push, place, credential)
                if refusal is not None:
                    return refusal
            head = packets.write_push(push, pushing.wanted_of(push))
            size = place.pack.stat().st_size if push.has_pack else 0
            changed = [[each.ref, each.old, each.new] for each in push.commands]
            _audit.info("push", session=visitor.session_id, repository=ref.url, changed=changed)
            await self._remote.receive_pack(
                ref,
                _whole(head, place.pack if push.has_pack else None),
                len(head) + size,
                download,
                credential,
            )
        return None

    async def _check_commits(
        self,
        ref: RepositoryRef,
        visitor: Visitor,
        push: Push,
        place: Quarantine,
        credential: Credential,
    ) -> Refusal | None:
        people = frozenset(() if visitor.people is None else await visitor.people())
        found = pushing.strangers(await place.commits(), people)
        if not found:
            return None
        # A client that does not know where the host's branches are now sends commits that the host
        # has long since: these are for nobody to answer for.
        url = await self._remote.base(ref, credential)
        shown = [f"{name}: {value}" for name, value in shown_to(ref, url, credential)]
        await place.know_host(url, [(f"http.{url}.extraHeader", each) for each in shown])
        tips = [each.new for each in push.commands if each.new != packets.NO_OBJECT]
        new = await place.new(tips)
        found = [commit for commit in found if commit.name in new]
        return pushing.refuse_strangers(push, found, people) if found else None


def _own_branch(visitor: Visitor) -> str:
    if visitor.branch is None:
        raise refusals.no_branch()
    return visitor.branch


def _explained(push: Push, error: BunkhouseError) -> Refusal:
    said = [error.message, *([error.remedy] if error.remedy else [])]
    short = "not allowed" if isinstance(error, Forbidden) else error.reason.replace("_", " ")
    return pushing.refuse_all(push, short, said)


def _head(part: str) -> list[tuple[bytes, bytes]]:
    return [(b"content-type", f"{_KIND}-{part}".encode()), *_NO_CACHE]


async def _answer(download: Download, data: bytes) -> None:
    await download.start(200, _head("result"))
    if data:
        await download.write(data)
    await download.finish()


async def _whole(head: bytes, pack: Path | None) -> AsyncIterator[bytes]:
    yield head
    if pack is None:
        return
    with pack.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk
