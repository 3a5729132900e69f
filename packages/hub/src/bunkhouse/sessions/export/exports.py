"""Exports: the log of a session up to where it is now, piece by piece.

A part of the log is read, written and forgotten before the next is read, each in a transaction of
its own: an export takes no more memory for a long log, and a slow reader holds nothing up.
"""

import asyncio
import re
import unicodedata
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from bunkhouse.people.permissions import missing
from bunkhouse.sessions.export.jsonl import Lines
from bunkhouse.sessions.export.transcript import Transcript
from bunkhouse.sessions.journal import Journal
from bunkhouse.store import log, sessions

Format = Literal["jsonl", "markdown"]

_BATCH = 100
"""Entries of the log that are read at once."""
_ENDINGS: dict[Format, tuple[str, str]] = {
    "jsonl": (".jsonl", "application/jsonl"),
    "markdown": (".md", "text/markdown"),
}


@dataclass(frozen=True, slots=True)
class Export:
    """A file that is being made."""

    name: str
    media_type: str
    pieces: AsyncGenerator[str, None]
    """What is in it. `NotFound` where the session is deleted meanwhile."""


class Exports:
    """Exports sessions."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def open(self, session_id: str, form: Format, *, blobs: str) -> Export:
        """Begin an export of all that the log has at this moment.

        `blobs`: the address to which names of blobs are added; the files themselves are not in it.

        Raises:
            NotFound: there is no such session.
        """
        async with self._journal.database.read() as tx:
            row = await sessions.get(tx, session_id)
            if row is None:
                raise missing(session_id)
            retracted = await log.retracted(tx, session_id) if form == "markdown" else set[str]()
        now = datetime.now(UTC)
        if form == "markdown":
            writer = Transcript(row, blobs=blobs, at=now, retracted=retracted)
        else:
            writer = Lines(row, blobs=blobs, at=now)
        ending, media_type = _ENDINGS[form]
        name = f"bunkhouse-{row.id}{_words(row.title)}{ending}"
        return Export(name, media_type, self._pieces(session_id, row.last_seq, writer))

    async def _pieces(
        self, session_id: str, last: int, writer: Lines | Transcript
    ) -> AsyncGenerator[str, None]:
        yield writer.begin()
        after = 0
        while after < last:
            events = await self._journal.read(session_id, after=after, limit=_BATCH, folded=True)
            if not events:
                break
            after = events[-1].seq
            # What came meanwhile is not in it; a text that went on is there as far as it is.
            shown = [event for event in events if (event.first_seq or event.seq) <= last]
            yield await asyncio.to_thread(writer.write, shown)
        yield writer.end()


def _words(title: str) -> str:
    """The beginning of a title, as it can be in a file's name anywhere."""
    ascii_only = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_only.lower())[:48].strip("-")
    return f"-{words}" if words else ""
