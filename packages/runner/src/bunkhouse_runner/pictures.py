"""Pictures on their way to the hub: kept on our disk until the hub has them.

What the log says of a picture goes by the link and may be ahead of its bytes, which go by a door
of their own (`PUT /blobs/{sha256}`) and are tried until they arrive, also after a restart.
"""

import asyncio
import contextlib
import hashlib
import itertools
from pathlib import Path

import httpx2
import structlog

from bunkhouse_runner.hub import Hub

_log = structlog.get_logger("bunkhouse.runner.pictures")

HELD_BYTES = 256 * 1024 * 1024
"""Kept at most while the hub is away; more are lost."""

PUT_SECONDS = 60.0
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
_PASSING = {401, 408, 425, 429}
"""Refusals that may be others the next time."""


def name_of(data: bytes) -> str:
    """Return the name of a picture: its SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


class Pictures:
    """Takes pictures from the agent; `run` brings them to the hub."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self._hub = hub
        self._folder = folder
        self._work = asyncio.Event()
        self._drafts = itertools.count()

    def keep(self, data: bytes) -> str:
        """Keep a picture and return its name. Never raises: without room it is lost."""
        name = name_of(data)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            held = sum(place.stat().st_size for place in self._waiting())
            if held + len(data) > HELD_BYTES:
                _log.warning("picture_lost", blob=name, why="too many wait for the hub")
                return name
            draft = self._folder / f"draft-{next(self._drafts)}"
            draft.write_bytes(data)
            draft.replace(self._folder / name)
        except OSError as error:
            _log.warning("picture_lost", blob=name, why=str(error))
        self._work.set()
        return name

    def wake(self) -> None:
        """Try again now: the hub answers again."""
        self._work.set()

    async def run(self) -> None:
        """Bring pictures to the hub until cancelled."""
        pause = FIRST_PAUSE
        async with self._hub.http_client(timeout=PUT_SECONDS) as client:
            while True:
                self._work.clear()
                if await self._send_all(client):
                    pause = FIRST_PAUSE
                    await self._work.wait()
                    continue
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._work.wait(), pause)
                pause = min(LONGEST_PAUSE, pause * 2)

    def _waiting(self) -> list[Path]:
        with contextlib.suppress(FileNotFoundError):
            return [place for place in self._folder.iterdir() if len(place.name) == 64]
        return []

    async def _send_all(self, client: httpx2.AsyncClient) -> bool:
        """Send what is kept; False where something is left for later."""
        for place in self._waiting():
            try:
                data = await asyncio.to_thread(place.read_bytes)
                answer = await client.put(f"/blobs/{place.name}", content=data)
            except (OSError, httpx2.HTTPError) as error:
                _log.debug("hub_away", error=str(error))
                return False
            if answer.status_code >= 500 or answer.status_code in _PASSING:
                _log.info("picture_not_taken", blob=place.name, status=answer.status_code)
                return False
            if not answer.is_success:
                _log.warning("picture_refused", blob=place.name, said=answer.text[:500])
            place.unlink(missing_ok=True)
        return True
