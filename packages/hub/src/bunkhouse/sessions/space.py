"""The hub's disk: whether there is room to begin new work.

What runs goes on. What is new waits until there is room again: sessions and wakes in their states,
which say why, and prompts in their queues, with an event that does.
"""

import shutil

from bunkhouse.settings import Settings


class Space:
    """Watches the disk of the data folder."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def short(self) -> str | None:
        """Say why no new work is begun; None where there is room. Takes some microseconds.

        It says the same as long as it is so: how much is free changes all the time, and whoever
        waits is told of each change.
        """
        least = self._settings.min_free_bytes
        if shutil.disk_usage(self._settings.data_dir).free >= least:
            return None
        return (
            f"Less than {least >> 20} MiB are free on the hub's disk, which is its reserve. "
            "Free some space there."
        )
