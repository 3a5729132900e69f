"""The folder in which the pictures are: `FOLDER/SESSION/SHA256`."""

import asyncio
import errno
import hashlib
import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from bunkhouse.blobs.pictures import Mime, mime_of
from bunkhouse.errors import InvalidInput, NotFound, StorageFull, TooLarge

_NAME = re.compile(r"[0-9a-f]{64}")
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class Blob:
    """A picture."""

    data: bytes
    mime: Mime


class Blobs:
    """Keeps the pictures of all sessions. What comes from a sandbox is checked here."""

    def __init__(self, folder: Path, *, blob_bytes: int, session_bytes: int) -> None:
        """`blob_bytes`: the largest; `session_bytes`: all of one session together."""
        self._folder = folder
        self._session_bytes = session_bytes
        self._putting = asyncio.Lock()
        self.blob_bytes = blob_bytes

    async def put(self, session_id: str, name: str, data: bytes) -> None:
        """Keep a picture; durable when it returns, and once however often it is put.

        Raises:
            InvalidInput: `name` is not its SHA-256, or it is no picture.
            TooLarge: by itself, or with all that the session has.
            StorageFull: the disk is.
        """
        async with self._putting:  # two at once would both find room for one
            await asyncio.to_thread(self._put, self._place(session_id, name), data)

    async def get(self, session_id: str, name: str) -> Blob:
        """Give a picture. Raises `NotFound`."""
        place = self._place(session_id, name)
        try:
            data = await asyncio.to_thread(place.read_bytes)
        except FileNotFoundError:
            raise _missing() from None
        mime = mime_of(data)
        if mime is None:
            raise _missing()
        return Blob(data, mime)

    async def remove(self, session_id: str) -> None:
        """Forget a session's pictures. Nothing happens where there are none."""
        folder = self._place(session_id, "0" * 64).parent
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _place(self, session_id: str, name: str) -> Path:
        if not _SESSION.fullmatch(session_id) or not _NAME.fullmatch(name):
            raise _missing()
        return self._folder / session_id / name

    def _put(self, place: Path, data: bytes) -> None:
        if len(data) > self.blob_bytes:
            raise too_large(self.blob_bytes)
        if hashlib.sha256(data).hexdigest() != place.name:
            raise InvalidInput("The bytes are not those that their name says.", code="blob_name")
        if mime_of(data) is None:
            raise InvalidInput("This is no PNG, JPEG, WebP or GIF.", code="blob_type")
        if place.exists():
            return
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            held = sum(entry.stat().st_size for entry in os.scandir(place.parent))
            if held + len(data) > self._session_bytes:
                raise TooLarge(
                    f"This session's pictures would take more than {self._session_bytes:,} bytes.",
                    remedy="Raise BUNKHOUSE_SESSION_BLOBS_BYTES, or begin a new session.",
                )
            _write(place, data)
        except OSError as error:
            if error.errno in _FULL:
                raise StorageFull("The hub's disk is full.", remedy="Free some space.") from error
            raise


def too_large(limit: int) -> TooLarge:
    """Say that a picture is over the limit."""
    return TooLarge(
        f"A picture may have at most {limit:,} bytes.", remedy="Raise BUNKHOUSE_BLOB_BYTES."
    )


def _missing() -> NotFound:
    return NotFound("There is no such picture.")


def _write(place: Path, data: bytes) -> None:
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
