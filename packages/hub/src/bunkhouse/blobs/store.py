"""The folder in which pictures, files and long outputs of sessions are: `FOLDER/SESSION/SHA256`."""

import asyncio
import errno
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bunkhouse.blobs.kinds import Kind, mime_of
from bunkhouse.errors import InvalidInput, NotFound, StorageFull, TooLarge

_NAME = re.compile(r"[0-9a-f]{64}")
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OLD_SECONDS = 3600.0
_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class Blob:
    """A picture, or a text: a person's, or what a tool printed."""

    data: bytes
    mime: Kind


class Blobs:
    """Keeps what belongs to sessions. What comes from a sandbox is checked here."""

    def __init__(
        self,
        folder: Path,
        *,
        blob_bytes: int,
        session_bytes: int,
        output_bytes: int = 16 * 1024 * 1024,
        session_blobs: int = 10_000,
    ) -> None:
        """`blob_bytes`: largest picture of a sandbox; `output_bytes`: its largest output.

        `session_bytes`, `session_blobs`: all of one session together.
        """
        self._folder = folder
        self._session_bytes = session_bytes
        self._session_blobs = session_blobs
        self._putting = asyncio.Lock()
        self.blob_bytes = blob_bytes
        self.output_bytes = output_bytes

    async def put(self, session_id: str, name: str, data: bytes) -> None:
        """Keep a sandbox's picture; durable when it returns, once however often it is put.

        Raises:
            InvalidInput: `name` is not its SHA-256, or it is no picture.
            TooLarge: by itself, or with all that the session has.
            StorageFull: the disk is.
        """
        if len(data) > self.blob_bytes:
            raise too_large(self.blob_bytes)
        place = self._named(session_id, name, data)
        if mime_of(data) is None:
            raise InvalidInput("This is no PNG, JPEG, WebP or GIF.", code="blob_type")
        await self._keep(place, data)

    async def put_output(self, session_id: str, name: str, data: bytes) -> None:
        """Keep what a tool of a sandbox printed, whatever its bytes are, as `put` does."""
        if len(data) > self.output_bytes:
            raise too_large(self.output_bytes, output=True)
        await self._keep(self._named(session_id, name, data), data)

    async def add(self, session_id: str, data: bytes) -> str:
        """Keep what a person gave, as `put` does, and return its name.

        The uploads have looked at what it is, and how large.
        """
        name = hashlib.sha256(data).hexdigest()
        await self._keep(self._place(session_id, name), data)
        return name

    async def get(self, session_id: str, name: str) -> Blob:
        """Give a picture, or else a text, which may be no good UTF-8. Raises `NotFound`."""
        place = self._place(session_id, name)
        try:
            data = await asyncio.to_thread(place.read_bytes)
        except FileNotFoundError:
            raise _missing() from None
        return Blob(data, mime_of(data) or "text/plain")

    async def copy(self, source: str, target: str) -> None:
        """Give a session all that another has. Files never change, so both may have the same."""
        folders = [self._place(each, "0" * 64).parent for each in (source, target)]
        async with self._putting:
            await asyncio.to_thread(_copy, *folders)

    async def remove(self, session_id: str) -> None:
        """Forget what a session has. Nothing happens where there is nothing."""
        folder = self._place(session_id, "0" * 64).parent
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def sweep(self, known: Callable[[list[str]], Awaitable[set[str]]]) -> int:
        """Remove what a hub that was killed left: drafts, and folders of no session.

        `known` says which of these ids are of sessions. What is younger than an hour may belong to
        something that is being done. Returns how many folders were removed.
        """
        old = await asyncio.to_thread(self._old)
        strays = set(old) - await known(old)
        for session_id in strays:
            await self.remove(session_id)
        return len(strays)

    def _old(self) -> list[str]:
        """The sessions of the folders that are old enough; their old drafts are removed."""
        found: list[str] = []
        for folder in self._folder.iterdir() if self._folder.is_dir() else ():
            if not folder.is_dir() or not _SESSION.fullmatch(folder.name):
                continue  # somebody else's
            if _is_old(folder):
                found.append(folder.name)
            for draft in folder.glob("draft-*"):
                if _is_old(draft):
                    draft.unlink(missing_ok=True)
        return found

    def _named(self, session_id: str, name: str, data: bytes) -> Path:
        """The place of these bytes. Raises `InvalidInput` where `name` is not theirs."""
        place = self._place(session_id, name)
        if hashlib.sha256(data).hexdigest() != name:
            raise InvalidInput("The bytes are not those that their name says.", code="blob_name")
        return place

    def _place(self, session_id: str, name: str) -> Path:
        if not _SESSION.fullmatch(session_id) or not _NAME.fullmatch(name):
            raise _missing()
        return self._folder / session_id / name

    async def _keep(self, place: Path, data: bytes) -> None:
        async with self._putting:  # two at once would both find room for one
            await asyncio.to_thread(self._put, place, data)

    def _put(self, place: Path, data: bytes) -> None:
        if place.exists():
            return
        with room_on_disk():
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            sizes = [entry.stat().st_size for entry in os.scandir(place.parent)]
            if sum(sizes) + len(data) > self._session_bytes:
                raise TooLarge(
                    "This session's pictures, files and outputs would take more than "
                    f"{self._session_bytes:,} bytes.",
                    remedy="Raise BUNKHOUSE_SESSION_BLOBS_BYTES, or begin a new session.",
                )
            if len(sizes) >= self._session_blobs:
                raise TooLarge(
                    f"This session has {self._session_blobs:,} pictures, files and outputs, and "
                    "may have no more.",
                    remedy="Raise BUNKHOUSE_SESSION_BLOBS, or begin a new session.",
                    code="too_many_blobs",
                )
            write(place, data)


def _copy(source: Path, target: Path) -> None:
    if not source.is_dir():
        return
    with room_on_disk():
        target.mkdir(mode=0o700)
        for file in source.iterdir():
            if not _NAME.fullmatch(file.name):
                continue  # a draft that a killed hub left
            try:
                (target / file.name).hardlink_to(file)
            except OSError:  # this file system has no links
                shutil.copyfile(file, target / file.name)


def too_large(limit: int, *, output: bool = False) -> TooLarge:
    """Say that a picture or an output is over the limit."""
    what, setting = ("An output", "WHOLE_OUTPUT") if output else ("A picture", "BLOB")
    return TooLarge(
        f"{what} may have at most {limit:,} bytes.", remedy=f"Raise BUNKHOUSE_{setting}_BYTES."
    )


def _missing() -> NotFound:
    return NotFound("There is no such picture or file.")


def _is_old(place: Path) -> bool:
    try:
        return time.time() - place.stat().st_mtime > _OLD_SECONDS
    except FileNotFoundError:
        return False


@contextmanager
def room_on_disk() -> Generator[None]:
    """Say in our words that the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull("The hub's disk is full.", remedy="Free some space.") from error
        raise


def write(place: Path, data: bytes) -> None:
    """Put a file in place whole, and on the disk."""
    draft = place.with_name(f"draft-{secrets.token_hex(8)}")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
