"""Disk space: whether there is room to begin new work.

What runs goes on. What is new waits until there is room again: sessions and wakes in their states,
which say why, and prompts in their queues, with an event that does.
"""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bunkhouse.settings import Settings


def _nowhere() -> None:
    return None


class Space:
    """Watches the disk of the data folder, and that of sandboxes and images.

    Args:
        engine: where the engine keeps those; None while that is not known, or on another machine.
    """

    def __init__(self, settings: Settings, engine: Callable[[], Path | None] = _nowhere) -> None:
        self._settings = settings
        self._engine = engine

    def short(self) -> str | None:
        """Say why no new work is begun; None where there is room. Takes some microseconds.

        It says the same as long as it is so: how much is free changes all the time, and whoever
        waits is told of each change.
        """
        if self._is_short(self._settings.data_dir):
            return self._said("on the hub's disk")
        storage = self._engine()
        if storage is not None:
            with suppress(OSError):  # the engine's folder may be closed to this user, or gone
                if self._is_short(storage):
                    return self._said(f"where the container engine keeps sandboxes ({storage})")
        return None

    def _is_short(self, folder: Path) -> bool:
        return shutil.disk_usage(folder).free < self._settings.min_free_bytes

    def _said(self, where: str) -> str:
        least = self._settings.min_free_bytes >> 20
        return (
            f"Less than {least} MiB are free {where}, which is its reserve. Free some space there."
        )
