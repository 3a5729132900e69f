"""Serves a repository in a folder of the hub's machine by smart HTTP, with `git upload-pack`.

Read only: nothing is written but the temporary files that git makes for a shallow clone and takes
away again; no hook runs, and no program that the repository's configuration names.
"""

import asyncio
import re
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import structlog

from bunkhouse.broker.git import environment, refusals
from bunkhouse.broker.git.repositories import RepositoryRef, locate
from bunkhouse.broker.passthrough import BodyTooLarge, ClientGone, Download, Upload
from bunkhouse.errors import BunkhouseError

log = structlog.stdlib.get_logger(__name__)

CHUNK = 64 * 1024
UNPACKED_BYTES = 256 * 1024 * 1024
"""Largest request when unpacked."""

_STDERR_BYTES = 4096
_PROTOCOL = re.compile(r"[a-z0-9=:._-]{1,100}")
_NO_CACHE = [
    (b"cache-control", b"no-cache, max-age=0, must-revalidate"),
    (b"pragma", b"no-cache"),
]


async def advertise(ref: RepositoryRef, protocol: str | None, download: Download) -> None:
    """Answer `GET info/refs?service=git-upload-pack`."""
    version_2 = protocol is not None and "version=2" in protocol.split(":")
    preface = b"" if version_2 else b"001e# service=git-upload-pack\n0000"
    run = await _UploadPack.start(ref, protocol, "--advertise-refs")
    await run.answer(None, download, "advertisement", preface)


async def upload_pack(
    ref: RepositoryRef, protocol: str | None, encoding: str, upload: Upload, download: Download
) -> None:
    """Answer `POST git-upload-pack`. `encoding` is the request's `Content-Encoding`."""
    body = _unpacked(upload) if encoding in ("gzip", "x-gzip") else aiter(upload)
    run = await _UploadPack.start(ref, protocol)
    await run.answer(body, download, "result")


class _UploadPack:
    """One run of `git upload-pack`, for one request."""

    def __init__(self, ref: RepositoryRef, process: asyncio.subprocess.Process) -> None:
        self._ref = ref
        self._process = process
        self._said = b""
        self._fault: Exception | None = None
        """What was wrong with the request's body."""

    @classmethod
    async def start(cls, ref: RepositoryRef, protocol: str | None, *options: str) -> "_UploadPack":
        """Start it on the repository's git folder; raises where that is gone."""
        path = Path(ref.url)
        located = await locate(path)
        # A link put in its place would lead to what nobody allowed.
        if located is None or located.asked != path:
            raise refusals.folder_gone(ref.url)
        known = protocol if protocol and _PROTOCOL.fullmatch(protocol) else None
        env = environment.environment(safe=map(str, located.places), protocol=known)
        process = await environment.start(
            "upload-pack", "--stateless-rpc", *options, "--strict", str(located.git_dir), env=env
        )
        return cls(ref, process)

    async def answer(
        self,
        body: AsyncIterator[bytes] | None,
        download: Download,
        kind: str,
        preface: bytes = b"",
    ) -> None:
        """Feed it the request and pass on what it says; it is ended in any case."""
        beside = [asyncio.ensure_future(self._feed(body)), asyncio.ensure_future(self._listen())]
        try:
            await self._pass(download, kind, preface)
        finally:
            # To its end also where the client has gone: nothing of git is to be left behind.
            await asyncio.shield(asyncio.ensure_future(self._put_away(beside)))

    async def _pass(self, download: Download, kind: str, preface: bytes) -> None:
        stdout = environment.piped(self._process.stdout)
        chunk = await stdout.read(CHUNK)
        if not chunk and await self._process.wait() != 0:
            raise self._fault or self._unreadable()
        content_type = f"application/x-git-upload-pack-{kind}".encode()
        await download.start(200, [(b"content-type", content_type), *_NO_CACHE])
        if preface:
            await download.write(preface)
        while chunk:
            await download.write(chunk)
            chunk = await stdout.read(CHUNK)
        # An exit code tells of errors that the client was told in the answer itself; a signal
        # means that the answer is cut off.
        if await self._process.wait() >= 0:
            await download.finish()

    async def _feed(self, body: AsyncIterator[bytes] | None) -> None:
        stdin = environment.piped(self._process.stdin)
        try:
            if body is not None:
                async for chunk in body:
                    stdin.write(chunk)
                    await stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            return  # git has heard enough
        except (BodyTooLarge, ClientGone, zlib.error) as fault:
            self._fault = fault
            await environment.end(self._process)
        finally:
            with suppress(BrokenPipeError, ConnectionResetError):
                stdin.close()

    async def _listen(self) -> None:
        stderr = environment.piped(self._process.stderr)
        while data := await stderr.read(CHUNK):
            self._said = (self._said + data)[-_STDERR_BYTES:]

    async def _put_away(self, beside: list[asyncio.Task[None]]) -> None:
        await environment.end(self._process)
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)

    def _unreadable(self) -> BunkhouseError:
        said = self._said.decode("utf-8", "replace").strip()
        log.warning("upload_pack_failed", repository=self._ref.url, said=said)
        return BunkhouseError(
            f"Git could not read the repository {self._ref.name} on the hub's machine.",
            remedy="The hub's log says why.",
            code="repository_unreadable",
        )


async def _unpacked(upload: Upload) -> AsyncIterator[bytes]:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    total = 0
    async for packed in upload:
        left = packed
        while left:
            plain = unpacker.decompress(left, CHUNK)
            left = unpacker.unconsumed_tail
            total += len(plain)
            if total > UNPACKED_BYTES:
                raise BodyTooLarge
            if plain:
                yield plain
    if rest := unpacker.flush():
        yield rest
