"""The folder in which the pictures and files of sessions are: `FOLDER/SESSION/SHA256`."""

import asyncio
import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bunkhouse.blobs.kinds import Kind, kind_of, mime_of
from bunkhouse.errors import InvalidInput, NotFound, StorageFull, TooLarge

_NAME = re.compile(r"[0-9a-f]{64}")
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class Blob:
    """A picture, or a text that a person gave."""

    data: bytes
    mime: Kind


class Blobs:
    """Keeps what belongs to sessions. What comes from a sandbox is checked here."""

    def __init__(self, folder: Path, *, blob_bytes: int, session_bytes: int) -> None:
        """`blob_bytes`: a sandbox's largest; `session_bytes`: all of one session together."""
        self._folder = folder
        self._session_bytes = session_bytes
        self._putting = asyncio.Lock()
        self.blob_bytes = blob_bytes

    async def put(self, session_id: str, name: str, data: bytes) -> None:
        """Keep a sandbox's picture; durable when it returns, once however often it is put.

        Raises:
            InvalidInput: `name` is not its SHA-256, or it is no picture.
            TooLarge: by itself, or with all that the session has.
            StorageFull: the disk is.
        """
        if len(data) > self.blob_bytes:
            raise too_large(self.blob_bytes)
        place = self._place(session_id, name)
        if hashlib.sha256(data).hexdigest() != name:
            raise InvalidInput("The bytes are not those that their name says.", code="blob_name")
        if mime_of(data) is None:
            raise InvalidInput("This is no PNG, JPEG, WebP or GIF.", code="blob_type")
        await self._keep(place, data)

    async def add(self, session_id: str, data: bytes) -> str:
        """Keep what a person gave, as `put` does, and return its name.

        The uploads have looked at what it is, and how large.
        """
        name = hashlib.sha256(data).hexdigest()
        await self._keep(self._place(session_id, name), data)
        return name

    async def get(self, session_id: str, name: str) -> Blob:
        """Give a picture or a text. Raises `NotFound`."""
        place = self._place(session_id, name)
        try:
            data = await asyncio.to_thread(place.read_bytes)
        except FileNotFoundError:
            raise _missing() from None
        mime = kind_of(data)
        if mime is None:
            raise _missing()
        return Blob(data, mime)

    async def copy(self, source: str, target: str) -> None:
        """Give a session all that another has. Files never change, so both may have the same."""
        folders = [self._place(each, "0" * 64).parent for each in (source, target)]
        async with self._putting:
            await asyncio.to_thread(_copy, *folders)

    async def remove(self, session_id: str) -> None:
        """Forget what a session has. Nothing happens where there is nothing."""
        folder = self._place(session_id, "0" * 64).parent
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

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
            held = sum(entry.stat().st_size for entry in os.scandir(place.parent))
            if held + len(data) > self._session_bytes:
                raise TooLarge(
                    "This session's pictures and files would take more than "
                    f"{self._session_bytes:,} bytes.",
                    remedy="Raise BUNKHOUSE_SESSION_BLOBS_BYTES, or begin a new session.",
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


def too_large(limit: int) -> TooLarge:
    """Say that a picture is over the limit."""
    return TooLarge(
        f"A picture may have at most {limit:,} bytes.", remedy="Raise BUNKHOUSE_BLOB_BYTES."
    )


def _missing() -> NotFound:
    return NotFound("There is no such picture or file.")


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
