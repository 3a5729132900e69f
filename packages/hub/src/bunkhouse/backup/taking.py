"""Taking a backup, also while the hub runs."""

import asyncio
import errno
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

from bunkhouse.backup.archive import Manifest, Writer, writing
from bunkhouse.errors import Conflict, NotFound, StorageFull, Unavailable
from bunkhouse.store import Database, Place, copying
from bunkhouse.version import version

UPLOADS = "uploads"
FILES = ("installation", "gateway.key", "blobs", UPLOADS)
"""What of the data folder is kept beside the store: the name by which the engine's containers are
known, the key of cookies of apps, what the log refers to, and what waits for a prompt. The rest is
made anew."""

_DRAFT = "draft-"
"""Blobs that are being put have such names; nothing refers to them yet."""


async def take(place: Place, data_dir: Path, target: Path) -> tuple[Path, Manifest]:
    """Write a backup of one moment to `target`, a file that is not there or a folder.

    It takes the store as it is: nothing is migrated.

    Raises:
        NotFound: there is no installation.
        Conflict: the file is there already.
        StorageFull, Unavailable: it can't be written.
    """
    now = datetime.now(UTC)
    if isinstance(place, Path) and not place.exists():
        raise _nothing(data_dir)
    path = _path(target, now)
    store = Database.as_it_is(place)
    try:
        with writing(path) as writer:
            # Before the store: an upload is forgotten only after the log has its prompt. So each
            # file is in the one or in the other, or in both.
            await asyncio.to_thread(_files, writer, data_dir, [UPLOADS])
            # After it: what the log refers to is in `blobs` before it is in the log.
            revision, rows = await _store(store, writer, data_dir)
            rest = [name for name in FILES if name != UPLOADS]
            await asyncio.to_thread(_files, writer, data_dir, rest)
            manifest = Manifest(
                version=version(),
                revision=revision,
                created_at=now,
                rows=rows,
                sha256=writer.sha256.copy(),
            )
            await asyncio.to_thread(writer.finish, manifest)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(
                f"The disk that holds {path.parent} is full.", remedy="Free some space there."
            ) from error
        raise Unavailable(
            f"The backup can't be written to {path}: {error.strerror}.",
            remedy="Name a file in a folder that is there and yours.",
        ) from error
    finally:
        await store.close()
    return path, manifest


def _path(target: Path, now: datetime) -> Path:
    path = target / f"bunkhouse-{now:%Y%m%dT%H%M%SZ}.tar" if target.is_dir() else target
    if path.exists():
        raise Conflict(f"{path} is there already.", remedy="Name a new file, or a folder.")
    return path


async def _store(store: Database, writer: Writer, data_dir: Path) -> tuple[str, dict[str, int]]:
    rows: dict[str, int] = {}
    parts: dict[str, int] = {}
    async with store.read() as tx:
        revision = await copying.revision(tx)
        if revision is None:
            raise _nothing(data_dir)
        async with aclosing(copying.rows(tx)) as found:
            async for part in found:
                number = parts.get(part.table, 0)
                name = f"tables/{part.table}/{number:06}.jsonl"
                await asyncio.to_thread(writer.add, name, part.lines)
                parts[part.table] = number + 1
                rows[part.table] = rows.get(part.table, 0) + part.rows
    return revision, rows


def _files(writer: Writer, data_dir: Path, names: Sequence[str]) -> None:
    for name in names:
        top = data_dir / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_symlink() or not path.is_file() or path.name.startswith(_DRAFT):
                continue
            try:
                file = path.open("rb")
            except FileNotFoundError:
                continue  # its session was deleted meanwhile, or its prompt came
            with file:
                size = file.seek(0, 2)
                file.seek(0)
                writer.add_file(f"files/{path.relative_to(data_dir).as_posix()}", file, size)


def _nothing(data_dir: Path) -> NotFound:
    return NotFound(
        f"There is no installation in {data_dir} to back up.",
        remedy="Name its data folder with --data-dir, or set BUNKHOUSE_DATABASE_URL.",
    )
