"""Pictures and long outputs on their way to the hub: kept on our disk until the hub has them.

What the log says of one goes by the link and may be ahead of its bytes, which go by a door of their
own (`PUT /blobs/{sha256}`) and are tried until they arrive, also after a restart. One that can't
arrive is told in the log.
"""

import asyncio
import contextlib
import hashlib
import itertools
from collections.abc import Callable
from pathlib import Path

import httpx2
import structlog

from bunkhouse_protocol.events import Problem
from bunkhouse_runner.hub import Hub

_log = structlog.get_logger("bunkhouse.runner.pictures")

HELD_BYTES = 256 * 1024 * 1024
"""Kept at most while the hub is away; more are lost."""

PUT_SECONDS = 60.0
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
_PASSING = {401, 408, 425, 429}
"""Refusals that may be others the next time."""


_TEXT = ".txt"
"""How the file of an output ends while it waits; pictures have their bare name."""


def name_of(data: bytes) -> str:
    """Return the name of a picture or an output: its SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


class Pictures:
    """Takes pictures and outputs from the agent; `run` brings them to the hub."""

    def __init__(
        self, hub: Hub, folder: Path, *, lost: Callable[[Problem], None] = lambda _: None
    ) -> None:
        """`lost`: told of those that the hub will not have, once for each reason."""
        self._hub = hub
        self._folder = folder
        self._lost = lost
        self._told: set[str] = set()
        self._work = asyncio.Event()
        self._drafts = itertools.count()

    def keep(self, data: bytes) -> str:
        """Keep a picture and return its name. Never raises: without room it is lost."""
        return self._keep(data, "")

    def keep_text(self, data: bytes) -> str:
        """Keep what a tool printed, as `keep` does."""
        return self._keep(data, _TEXT)

    def _keep(self, data: bytes, ending: str) -> str:
        name = name_of(data)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            held = sum(place.stat().st_size for place in self._waiting())
            if held + len(data) > HELD_BYTES:
                self._lose(name, "Too many wait for the hub, which is away.")
                return name
            draft = self._folder / f"draft-{next(self._drafts)}"
            draft.write_bytes(data)
            draft.replace(self._folder / f"{name}{ending}")
        except OSError as error:
            self._lose(name, f"The sandbox's disk did not take it: {error.strerror}.")
        self._work.set()
        return name

    def _lose(self, name: str, why: str) -> None:
        _log.warning("blob_lost", blob=name, why=why)
        if why not in self._told:
            self._told.add(why)
            said = f"A picture or a long output of a tool could not be kept. {why}"
            self._lost(Problem(code="blob_lost", message=said, detail=name))

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
            return [place for place in self._folder.iterdir() if len(place.stem) == 64]
        return []

    async def _send_all(self, client: httpx2.AsyncClient) -> bool:
        """Send what is kept; False where something is left for later."""
        for place in self._waiting():
            try:
                data = await asyncio.to_thread(place.read_bytes)
                kind = "text/plain" if place.suffix == _TEXT else "application/octet-stream"
                answer = await client.put(
                    f"/blobs/{place.stem}", content=data, headers={"Content-Type": kind}
                )
            except (OSError, httpx2.HTTPError) as error:
                _log.debug("hub_away", error=str(error))
                return False
            if answer.status_code >= 500 or answer.status_code in _PASSING:
                _log.info("blob_not_taken", blob=place.stem, status=answer.status_code)
                return False
            if not answer.is_success:
                self._lose(place.stem, _said(answer))
            place.unlink(missing_ok=True)
        return True


def _said(answer: httpx2.Response) -> str:
    """What the hub has against it, and what can be done."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(answer.json()["error"]["message"])[:500]
    return f"The hub refused it ({answer.status_code})."
