"""Backup and restore of an installation: its store and its files, in one file.

`taking` works while the hub runs, on either kind of store, and `restoring` puts what it took into
an empty one of either kind. `archive` knows how the file is written.
"""

from bunkhouse.backup.archive import Manifest
from bunkhouse.backup.restoring import restore
from bunkhouse.backup.taking import take

__all__ = ["Manifest", "restore", "take"]
