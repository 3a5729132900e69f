"""An export as JSON lines: what it is, then one event a line, as the API gives them."""

import json
from collections.abc import Sequence
from datetime import datetime

from bunkhouse.store.sessions import SessionRow
from bunkhouse.version import version
from bunkhouse_protocol.events import Event

FORMAT = 1
"""Raised when a reader of earlier exports would not understand later ones."""


class Lines:
    """Writes the lines of one export."""

    def __init__(self, row: SessionRow, *, blobs: str, at: datetime) -> None:
        self._row = row
        self._blobs = blobs
        self._at = at

    def begin(self) -> str:
        """The first line: which session it is, and of when."""
        row = self._row
        header = {
            "type": "bunkhouse_session",
            "version": FORMAT,
            "bunkhouse": version(),
            "exported_at": self._at.isoformat(),
            "session": {
                "id": row.id,
                "title": row.title,
                "state": row.state,
                "repository": row.repository,
                "branch": row.branch,
                "model": row.model,
                "author": row.author,
                "created_at": row.created_at.isoformat(),
                "last_seq": row.last_seq,
            },
            "blobs": self._blobs,
        }
        return json.dumps(header, ensure_ascii=False) + "\n"

    def write(self, events: Sequence[Event]) -> str:
        """One line for each event; texts that streamed come whole, with `first_seq`."""
        return "".join(f"{event.model_dump_json()}\n" for event in events)

    def end(self) -> str:
        """Nothing: the last line is the last event."""
        return ""
