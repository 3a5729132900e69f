"""Restoring a backup into an empty installation."""

import errno
import filecmp
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bunkhouse.backup.archive import Manifest, Reader, reading
from bunkhouse.backup.taking import FILES
from bunkhouse.errors import Conflict, InvalidInput, StorageFull, Unavailable
from bunkhouse.store import Place, copying, schema


async def restore(path: Path, place: Place, data_dir: Path) -> Manifest:
    """Put all that is in a backup into an empty store and a data folder.

    All of it happens or nothing. Files that are in the folder already may stay if they are the
    same: so an installation can move to another store in its own folder.

    Raises:
        InvalidInput: it is no backup, it is damaged, or a newer version took it.
        Conflict: the store is not empty, or the folder is of another installation.
        StorageFull, Unavailable: it can't be written.
    """
    with reading(path) as backup:
        manifest = backup.manifest
        if manifest.revision not in schema.known():
            raise InvalidInput(
                f"A newer version of Bunkhouse ({manifest.version}) took this backup.",
                remedy="Restore it with that version or a newer one.",
                code="newer_schema",
            )
        files = _Files(backup, data_dir)
        try:
            await copying.fill(place, manifest.revision, _parts(backup), before_end=files.write)
        except BaseException:
            files.take_back()
            raise
    return manifest


def _parts(backup: Reader) -> Iterator[copying.Part]:
    for table, lines in backup.tables():
        yield copying.Part(table, lines.count(b"\n"), lines)


class _Files:
    def __init__(self, backup: Reader, data_dir: Path) -> None:
        self._backup = backup
        self._data_dir = data_dir
        self._written: list[Path] = []

    def write(self) -> None:
        """Write all that are not there, each whole and on the disk."""
        try:
            for name, chunks in self._backup.files():
                if name.parts[0] not in FILES:
                    raise InvalidInput(f"The backup has {name} in it, which is not of ours.")
                self._write(self._data_dir / name, chunks)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFull(
                    f"The disk that holds {self._data_dir} is full.",
                    remedy="Free some space there, and restore again.",
                ) from error
            raise Unavailable(
                f"{error.filename or self._data_dir} can't be written: {error.strerror}.",
                remedy="Check that the data folder is yours.",
            ) from error

    def _write(self, path: Path, chunks: Iterator[bytes]) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix="draft-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, path)
            except FileExistsError as error:
                if not filecmp.cmp(draft, path, shallow=False):
                    raise Conflict(
                        f"{path} is there already, and is another than in the backup.",
                        remedy="Restore into the data folder that the backup is of, or an empty "
                        "one (--data-dir).",
                        code="not_empty",
                    ) from error
            else:
                self._written.append(path)
        finally:
            Path(draft).unlink()

    def take_back(self) -> None:
        """Remove what was written."""
        for path in self._written:
            path.unlink(missing_ok=True)
