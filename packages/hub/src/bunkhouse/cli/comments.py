"""`comment`."""

import sys

from bunkhouse.cli.configuration import configure_logs, load_settings
from bunkhouse.cli.hub import connect
from bunkhouse.errors import InvalidInput


def comment(session: str, text: str | None = None, /) -> None:
    """Say something in a session that the agent does not get.

    Parameters
    ----------
    session
        Id of the session, or enough of its beginning.
    text
        What to say. Without: what is read from standard input.
    """
    configure_logs("warning")
    if text is None:
        if sys.stdin.isatty():
            raise InvalidInput("There is nothing to say.", remedy="Give the words in quotes.")
        text = sys.stdin.read()
    hub = connect(load_settings())
    found = hub.session(session)
    hub.ask("POST", f"/api/sessions/{found['id']}/comments", json={"text": text}, once=True)
