"""A session's log as a program reads it: in order, nothing missing, across reconnects."""

import json
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import httpx2

from bunkhouse.cli.hub import Hub, HubGone, check

_PATIENCE_SECONDS = 60.0
"""How long a hub that went away is waited for: it may be restarted, and the turn goes on."""

_QUIET_SECONDS = 40.0
"""A hub that lives says something every 15 seconds."""


@dataclass(frozen=True, slots=True)
class Item:
    """One event of a stream. `data` is JSON; `event` is empty for a sign of life."""

    event: str = ""
    data: str = ""
    id: str = ""


def parse(lines: Iterator[str]) -> Generator[Item]:
    """Read the lines of an event stream. A comment comes as an empty item."""
    fields: dict[str, str] = {}
    for line in lines:
        if not line:
            if "data" in fields:
                yield Item(fields.get("event", ""), fields["data"], fields.get("id", ""))
            fields = {}
        elif line.startswith(":"):
            yield Item()
        else:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name in fields else value


def open_stream(hub: Hub, path: str, **headers: str) -> Generator[Item]:
    """Read one connection's worth of a stream.

    Raises:
        HubRefused: there is no such stream.
        HubGone: the hub went away.
    """
    headers["Accept"] = "text/event-stream"
    timeout = httpx2.Timeout(30.0, read=_QUIET_SECONDS)
    with hub.reaching(), hub.client.stream("GET", path, headers=headers, timeout=timeout) as answer:
        check(answer)
        yield from parse(_lines(answer))


def _lines(answer: httpx2.Response) -> Generator[str]:
    """Split at CR, LF or both, as the format has it; other breaks of Unicode belong to the text."""
    rest = ""
    for chunk in answer.iter_text():
        rest += chunk
        *lines, rest = rest.split("\n")
        for line in lines:
            yield line.removesuffix("\r")


class Log:
    """Follows a session. `seq` is the last event that was given out, so it can be gone on with."""

    def __init__(self, hub: Hub, session_id: str) -> None:
        self._hub = hub
        self._path = f"/api/sessions/{session_id}/events"
        self.seq = 0

    def follow(self) -> Generator[Item]:
        """Give every event once, with empty items between; ends when the session is deleted.

        Raises:
            HubGone: the hub has been away for long.
            HubRefused: there is no such session (any more).
        """
        away_since: float | None = None
        pause = 0.2
        while True:
            try:
                for item in open_stream(self._hub, self._path, **{"Last-Event-ID": str(self.seq)}):
                    away_since, pause = None, 0.2
                    if item.data:
                        self.seq = int(json.loads(item.data)["seq"])
                    yield item
            except HubGone:
                now = time.monotonic()
                away_since = away_since or now
                if now - away_since > _PATIENCE_SECONDS:
                    raise
                time.sleep(pause)
                pause = min(pause * 2, 2.0)
                continue
            # The stream ended in order: the session is gone (then this raises), or the hub stops.
            self._hub.ask("GET", self._path.removesuffix("/events"))
            time.sleep(pause)
