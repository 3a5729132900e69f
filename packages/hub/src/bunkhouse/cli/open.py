"""`bunkhouse open`: a session's page, its editor or what listens in it, in the browser."""

import os
import re
import sys
import webbrowser
from typing import Annotated

from cyclopts import Parameter

from bunkhouse.cli.configuration import configure_logs, load_settings
from bunkhouse.cli.hub import Hub, connect
from bunkhouse.errors import InvalidInput

_PANES = ("browser", "terminal", "changes")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_START_SECONDS = 200.0
"""An editor that starts for the first time takes its time."""


def open_session(
    session: str,
    what: str | None = None,
    /,
    *,
    only_print: Annotated[bool, Parameter(name="--print", negative="")] = False,
) -> None:
    """Print the address of a session's page or of a part of it, and open it in the browser.

    Parameters
    ----------
    session
        Id of the session, or enough of its beginning.
    what
        `editor`, `browser`, `terminal`, `changes`, or a port that listens in the sandbox.
    only_print
        Open nothing.
    """
    settings = load_settings()
    configure_logs("warning")
    hub = connect(settings)
    url = _address(hub, hub.session(session)["id"], what)
    print(url, flush=True)
    if not only_print and sys.stdout.isatty() and _has_display():
        webbrowser.open(url)


def _address(hub: Hub, session_id: str, what: str | None) -> str:
    page = hub.page(session_id)
    if what is None:
        return page
    if what in _PANES:
        return f"{page}?pane={what}"
    if what != "editor" and not _PORT.fullmatch(what):
        raise InvalidInput(
            f"There is no {what!r} to open.", remedy=f"Give editor, {', '.join(_PANES)} or a port."
        )
    path = f"/api/sessions/{session_id}"
    if what == "editor":
        hub.ask("POST", f"{path}/services/editor", seconds=_START_SECONDS)
    view = hub.ask("POST", f"{path}/views", json={"app": what})
    return str(view["link"])


def _has_display() -> bool:
    named = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    return sys.platform == "darwin" or any(os.environ.get(name) for name in named)
