"""The hub's disk: whether there is room to begin new work.

What runs goes on. What is new waits until there is room again: sessions and wakes in their states,
which say why, and prompts in their queues, with an event that does.
"""

import shutil
from pathlib import Path

from bunkhouse.settings import Settings


class Space:
    """Watches the disk of the data folder."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def short(self) -> str | None:
        """Say why no new work is begun; None where there is room. Takes some microseconds."""
        least = self._settings.min_free_bytes
        free = _free(self._settings.data_dir)
        if free >= least:
            return None
        return (
            f"Only {free >> 20} MiB are free on the hub's disk, and {least >> 20} MiB are kept in "
            "reserve. Free some space."
        )


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free
