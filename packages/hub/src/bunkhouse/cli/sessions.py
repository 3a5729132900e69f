"""`sessions`, `stop`, `hibernate`, `wake`, `end`, `delete`."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from bunkhouse.cli.configuration import configure_logs, load_settings
from bunkhouse.cli.hub import Hub, connect
from bunkhouse.cli.terminal import one_line, stdout

_COLUMNS = ("ID", "STATE", "TITLE", "REPOSITORY", "ACTIVE")
_MARKS = {
    "queued": "◐",
    "starting": "◐",
    "restoring": "◐",
    "idle": "○",
    "working": "●",
    "waiting": "◇",
    "hibernating": "☾",
    "hibernated": "☾",
    "ended": "✓",
    "failed": "✕",
}


def sessions(
    *,
    limit: int = 50,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """List sessions, those that did something last first.

    Parameters
    ----------
    limit
        How many at most.
    as_json
        Print a JSON list, with all that the API says of each.
    """
    hub = _hub()
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while len(items) < limit:
        page = hub.ask("GET", "/api/sessions", limit=min(limit - len(items), 200), cursor=cursor)
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    if as_json:
        print(json.dumps(items, indent=2, ensure_ascii=False))
        return
    if not items:
        print('No sessions yet. Start one with: bunkhouse run "PROMPT"')
        return
    console = stdout()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, least in (
        ("ID", 10),
        ("STATE", 13),
        ("TITLE", 10),
        ("REPOSITORY", 4),
        ("ACTIVE", 10),
    ):
        table.add_column(name, no_wrap=True, overflow="ellipsis", min_width=least)
    for each in items:
        table.add_row(
            each["id"],
            f"{_MARKS.get(each['state'], '·')} {each['state']}",
            Text(one_line(each["title"], 50)),
            Text(one_line(_short(each["repository"]), 40)),
            ago(datetime.now(UTC) - datetime.fromisoformat(each["updated_at"])),
        )
    console.print(table)


def stop(session: str, /) -> None:
    """Stop what a session's agent does; the session stays usable.

    Parameters
    ----------
    session
        Id of the session, or enough of its beginning.
    """
    _have(session, "stop")


def hibernate(session: str, /) -> None:
    """Stop a session's sandbox, which keeps its files. It wakes with the next prompt.

    Parameters
    ----------
    session
        Id of the session, or enough of its beginning.
    """
    _have(session, "hibernate")


def wake(session: str, /) -> None:
    """Start the sandbox of a session that sleeps, or bring a session back that has ended.

    Parameters
    ----------
    session
        Id of the session, or enough of its beginning.
    """
    _have(session, "wake")


def end(session: str, /) -> None:
    """Take a session's sandbox away. Its files are kept for a while, and it can be brought back.

    Parameters
    ----------
    session
        Id of the session, or enough of its beginning.
    """
    _have(session, "end")


def delete(session: str, /) -> None:
    """Delete a session, with its log and its sandbox.

    Parameters
    ----------
    session
        Id of the session, or enough of its beginning.
    """
    hub = _hub()
    found = hub.session(session)
    hub.ask("DELETE", f"/api/sessions/{found['id']}")


def _have(session: str, what: str) -> None:
    hub = _hub()
    found = hub.session(session)
    hub.ask("POST", f"/api/sessions/{found['id']}/{what}")


def _hub() -> Hub:
    settings = load_settings()
    configure_logs("warning")
    return connect(settings)


def _short(repository: str | None) -> str:
    """Give the last two parts of a URL or folder."""
    return "/".join((repository or "-").rstrip("/").removesuffix(".git").split("/")[-2:])


def ago(elapsed: Any) -> str:
    """Print how long ago something was, as people say it."""
    seconds = int(elapsed.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return "just now"
