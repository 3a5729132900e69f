"""Files that people have uploaded and that belong to no prompt yet: `FOLDER/PERSON/UPLOAD`.

A prompt names them; then they are copied to what its session has. What nobody names in time is
removed when the next file comes, or by a `sweep`. Beside each file stands what it is, in
`UPLOAD.json`, written first: so a file that is there is whole.
"""

import asyncio
import json
import os
import re
import secrets
import time
import unicodedata
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path

from bunkhouse.blobs.kinds import Kind, kind_of
from bunkhouse.blobs.store import room_on_disk, write
from bunkhouse.errors import InvalidInput, NotFound, TooLarge

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME_LENGTH = 120
_ENDINGS: dict[Kind, str] = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "text/plain": ".txt",
}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that waits for its prompt."""

    id: str
    name: str
    """Without a folder, and without what can't be shown."""
    mime: Kind
    size: int
    """In bytes."""


class Uploads:
    """Keeps what people have uploaded, each person's own."""

    def __init__(
        self, folder: Path, *, picture_bytes: int, text_bytes: int, person_bytes: int, hours: float
    ) -> None:
        """`picture_bytes`, `text_bytes`: the largest; `person_bytes`: all of one person's."""
        self._folder = folder
        self._picture_bytes = picture_bytes
        self._text_bytes = text_bytes
        self._person_bytes = person_bytes
        self._seconds = hours * 3600
        self._adding = asyncio.Lock()

    @property
    def largest(self) -> int:
        """More bytes than this need not be read."""
        return max(self._picture_bytes, self._text_bytes)

    async def add(self, person_id: str, name: str, data: bytes) -> Upload:
        """Keep a file; durable when it returns.

        Raises:
            InvalidInput: it is neither a picture nor a text (`attachment_type`), or empty.
            TooLarge: by itself, or with all that this person has uploaded.
            StorageFull: the disk is.
        """
        if not data:
            raise InvalidInput(f"{_shown(name)} is empty.", code="attachment_empty")
        mime = kind_of(data)
        if mime is None:
            raise InvalidInput(
                f"{_shown(name)} is neither a picture (PNG, JPEG, WebP, GIF) nor a text in UTF-8.",
                remedy="Put other files into the repository, or into the sandbox by its editor.",
                code="attachment_type",
            )
        limit, setting = self._limit(mime)
        if len(data) > limit:
            raise too_large(name, limit, setting)
        upload = Upload(f"u_{secrets.token_hex(12)}", _clean(name, mime), mime, len(data))
        async with self._adding:  # two at once would both find room for one
            await asyncio.to_thread(self._add, self._place(person_id, upload.id), upload, data)
        return upload

    async def get(self, person_id: str, upload_id: str) -> tuple[Upload, bytes]:
        """Give a file of this person's. Raises `NotFound`."""
        place = self._place(person_id, upload_id)
        return await asyncio.to_thread(self._read, place)

    async def remove(self, person_id: str, upload_id: str) -> None:
        """Forget a file. Nothing happens where there is none."""
        await asyncio.to_thread(_forget, self._place(person_id, upload_id))

    async def sweep(self) -> None:
        """Remove what has waited for too long."""
        async with self._adding:
            await asyncio.to_thread(self._drop_old)

    def refuse(self, name: str) -> TooLarge:
        """Say that a file is larger than any may be."""
        return too_large(name, self._picture_bytes, "BUNKHOUSE_ATTACHMENT_BYTES")

    def _limit(self, mime: Kind) -> tuple[int, str]:
        if mime == "text/plain":
            return self._text_bytes, "BUNKHOUSE_ATTACHMENT_TEXT_BYTES"
        return self._picture_bytes, "BUNKHOUSE_ATTACHMENT_BYTES"

    def _place(self, person_id: str, upload_id: str) -> Path:
        if not _NAME.fullmatch(person_id) or not _NAME.fullmatch(upload_id):
            raise _missing()
        return self._folder / person_id / upload_id

    def _add(self, place: Path, upload: Upload, data: bytes) -> None:
        self._drop_old()
        with room_on_disk():
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            held = sum(entry.stat().st_size for entry in os.scandir(place.parent))
            if held + len(data) > self._person_bytes:
                raise TooLarge(
                    "Your files that wait for a prompt would take more than "
                    f"{self._person_bytes:,} bytes.",
                    remedy="Send the prompts that they belong to, or raise "
                    "BUNKHOUSE_SESSION_BLOBS_BYTES.",
                )
            write(place.with_suffix(".json"), json.dumps(asdict(upload)).encode())
            write(place, data)

    def _read(self, place: Path) -> tuple[Upload, bytes]:
        try:
            said = json.loads(place.with_suffix(".json").read_bytes())
            if self._is_old(place):
                raise _missing()
            return Upload(**said), place.read_bytes()
        except FileNotFoundError:
            raise _missing() from None

    def _drop_old(self) -> None:
        for place in _files(self._folder):
            if self._is_old(place):
                place.unlink(missing_ok=True)

    def _is_old(self, place: Path) -> bool:
        try:
            return time.time() - place.stat().st_mtime > self._seconds
        except FileNotFoundError:
            return False


def too_large(name: str, limit: int, setting: str) -> TooLarge:
    """Say that a file is over the limit."""
    return TooLarge(
        f"{_shown(name)} is larger than {limit:,} bytes.",
        remedy=f"Make it smaller, put it into the repository, or raise {setting}.",
        code="attachment_too_large",
    )


def _missing() -> NotFound:
    return NotFound(
        "There is no such upload: it was removed, or waited too long.",
        remedy="Attach the file again.",
        code="upload_not_found",
    )


def _files(folder: Path) -> Generator[Path]:
    if folder.is_dir():
        for person in folder.iterdir():
            yield from person.iterdir()


def _forget(place: Path) -> None:
    place.unlink(missing_ok=True)
    place.with_suffix(".json").unlink(missing_ok=True)


def _clean(name: str, mime: Kind) -> str:
    """What a file is called: no folder, nothing that can't be seen, and not too long."""
    last = re.split(r"[/\\]", name)[-1]
    seen = "".join(c for c in last if unicodedata.category(c)[0] != "C")
    words = " ".join(seen.split()).lstrip(".")
    if not words:
        return f"attachment{_ENDINGS[mime]}"
    stem, dot, ending = words.rpartition(".")
    if len(words) > _NAME_LENGTH and dot and len(ending) <= 10:
        return f"{stem[: _NAME_LENGTH - len(ending) - 1]}.{ending}"
    return words[:_NAME_LENGTH]


def _shown(name: str) -> str:
    return f"“{_clean(name, 'text/plain')}”"
