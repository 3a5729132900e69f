"""The file of a backup: a tar archive.

    tables/NAME/000000.jsonl    rows, a line of JSON each, in parts
    files/…                     files of the data folder
    manifest.json               what is in it, with a checksum for each; the last

Without a manifest it is no backup: whoever took it was interrupted.
"""

import hashlib
import io
import json
import os
import secrets
import tarfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from pydantic import BaseModel, ValidationError

from bunkhouse.errors import InvalidInput

MANIFEST = "manifest.json"
_CHUNK = 1024 * 1024
_COMPRESSED = (".gz", ".tgz")
_BROKEN = (tarfile.TarError, EOFError, OSError, ValueError)
"""What reading raises where a file was cut off or changed; gzip's own is an `OSError`."""


class Manifest(BaseModel):
    """What is in a backup."""

    format: Literal[1] = 1
    version: str
    """Of the Bunkhouse that took it."""
    revision: str
    """Of the tables."""
    created_at: datetime
    rows: dict[str, int]
    """Of each table."""
    sha256: dict[str, str]
    """Of each other member of the archive, by its name."""


class Writer:
    """Adds to an archive that is not there yet."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.sha256: dict[str, str] = {}

    def add(self, name: str, data: bytes) -> None:
        """Add what is in memory."""
        self.add_file(name, io.BytesIO(data), len(data))

    def add_file(self, name: str, file: IO[bytes], size: int) -> None:
        """Add a file of this size, from where it is."""
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        hashing = _Hashing(file)
        self._tar.addfile(info, hashing)
        self.sha256[name] = hashing.sha256.hexdigest()

    def finish(self, manifest: Manifest) -> None:
        """Make it a backup."""
        self.add(MANIFEST, manifest.model_dump_json(indent=1).encode())


class _Hashing(io.RawIOBase):
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.sha256.update(data)
        return data


@contextmanager
def writing(path: Path) -> Generator[Writer]:
    """Write an archive beside `path`, and move it there when the block has ended well."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        # What is in it is as secret as the data folder.
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w+b") as file:
            mode = "w:gz" if path.name.endswith(_COMPRESSED) else "w"
            with tarfile.open(fileobj=file, mode=mode) as tar:
                yield Writer(tar)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)


class Reader:
    """A backup that is whole: everything in it is as the manifest says."""

    def __init__(self, tar: tarfile.TarFile, manifest: Manifest) -> None:
        self._tar = tar
        self.manifest = manifest

    def tables(self) -> Iterator[tuple[str, bytes]]:
        """Lines of rows, each with the table that they are of, in the order that they went in."""
        for member in self._tar:
            if member.name.startswith("tables/"):
                yield PurePosixPath(member.name).parts[1], b"".join(_chunks(self._tar, member))

    def files(self) -> Iterator[tuple[PurePosixPath, Iterator[bytes]]]:
        """Files of the data folder: the path in it, and what is in it, piece by piece."""
        for member in self._tar:
            if member.name.startswith("files/"):
                path = PurePosixPath(member.name).relative_to("files")
                yield path, _chunks(self._tar, member)


@contextmanager
def reading(path: Path) -> Generator[Reader]:
    """Open a backup and read all of it once, to be sure of it.

    Raises:
        InvalidInput: it is no backup, or it is damaged.
    """
    try:
        tar = tarfile.open(path, "r:*")  # noqa: SIM115 - closed below
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror}.") from error
    except _BROKEN as error:
        raise _no_backup(path, "it is no tar archive") from error
    with tar:
        try:
            manifest = _checked(tar)
        except ValidationError as error:
            raise _no_backup(path, "its manifest is not one that this version knows") from error
        except _BROKEN as error:
            raise _no_backup(path, str(error)) from error
        yield Reader(tar, manifest)


def _checked(tar: tarfile.TarFile) -> Manifest:
    """The manifest, if all else agrees with it. Raises one of `_BROKEN`."""
    found: dict[str, str] = {}
    manifest: Manifest | None = None
    rows: dict[str, int] = {}
    for member in tar:
        if not member.isreg() or not _is_plain(member.name) or member.name in found:
            raise ValueError(f"it has {member.name!r} in it")
        if manifest is not None:
            raise ValueError("something follows its manifest")
        if member.name == MANIFEST:
            manifest = Manifest.model_validate(json.loads(b"".join(_chunks(tar, member))))
            continue
        digest = hashlib.sha256()
        table = PurePosixPath(member.name).parts[1] if member.name.startswith("tables/") else None
        for chunk in _chunks(tar, member):
            digest.update(chunk)
            if table is not None:
                rows[table] = rows.get(table, 0) + chunk.count(b"\n")
        found[member.name] = digest.hexdigest()
    if manifest is None:
        raise ValueError("it was not finished")
    if found != manifest.sha256 or any(
        rows.get(name, 0) != count for name, count in manifest.rows.items()
    ):
        raise ValueError("what is in it is not what its manifest says")
    return manifest


def _is_plain(name: str) -> bool:
    """Whether a name stays where it is put."""
    path = PurePosixPath(name)
    if name == MANIFEST:
        return True
    inside = len(path.parts) > 1 and path.parts[0] in ("tables", "files")
    return inside and str(path) == name and ".." not in path.parts and "\0" not in name


def _chunks(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    file = tar.extractfile(member)
    while file is not None and (chunk := file.read(_CHUNK)):
        yield chunk


def _no_backup(path: Path, why: str) -> InvalidInput:
    return InvalidInput(
        f"{path} is no backup that can be restored: {why}.",
        remedy="Use another; `bunkhouse admin backup` makes them.",
        code="not_a_backup",
    )
