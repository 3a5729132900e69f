"""Cursors of lists of sessions: where a page of them ended."""

import base64
import json
from datetime import datetime

from bunkhouse.errors import InvalidInput


def write(at: datetime, session_id: str) -> str:
    """The cursor of a page that ends with this session."""
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), session_id]).encode()).decode()


def read(cursor: str) -> tuple[datetime, str]:
    """Where a page ended.

    Raises:
        InvalidInput: the hub did not give this cursor.
    """
    try:
        at, session_id = json.loads(base64.urlsafe_b64decode(cursor))
        return datetime.fromisoformat(at), str(session_id)
    except (ValueError, TypeError) as error:
        raise InvalidInput("This cursor is not one that the hub gave.") from error
