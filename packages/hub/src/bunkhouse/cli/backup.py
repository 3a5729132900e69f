"""`admin backup` and `admin restore`: on the store itself; a backup also while the hub runs."""

import asyncio
from pathlib import Path

from bunkhouse import backup as archives
from bunkhouse.cli import presence
from bunkhouse.cli.configuration import configure_logs, load_settings


def backup(target: Path, /, *, data_dir: Path | None = None) -> None:
    """Write sessions, people and files to one file, and print its path.

    Parameters
    ----------
    target
        File to write (`.tar`, or `.tar.gz` to compress it), or a folder for one named by the time.
    data_dir
        Data folder of the hub.
    """
    settings = load_settings(data_dir=data_dir)
    configure_logs("warning")
    path, _ = asyncio.run(archives.take(settings.database, settings.data_dir, target))
    print(path)


def restore(source: Path, /, *, data_dir: Path | None = None) -> None:
    """Put a backup into an empty installation.

    Parameters
    ----------
    source
        File that `bunkhouse admin backup` wrote.
    data_dir
        Data folder of the hub.
    """
    settings = load_settings(data_dir=data_dir)
    configure_logs("warning")
    with presence.claim(settings.data_dir):
        manifest = asyncio.run(archives.restore(source, settings.database, settings.data_dir))
    count = manifest.rows.get("sessions", 0)
    sessions = "1 session" if count == 1 else f"{count} sessions"
    print(f"Restored {sessions} of {manifest.created_at:%Y-%m-%d %H:%M} UTC.")
    key = settings.data_dir / "vault.key"
    if manifest.rows.get("grants") and settings.vault_key is None and not key.exists():
        print(f"Sign-ins at forges need the old {key.name}, which no backup has: put it to {key}.")
