"""`rewind`, `fork`."""

from typing import Annotated

from cyclopts import Parameter

from bunkhouse.cli.configuration import configure_logs, load_settings
from bunkhouse.cli.hub import Hub, connect
from bunkhouse.errors import InvalidInput


def rewind(
    session: str,
    /,
    *,
    seq: int | None = None,
    forward: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Put a session's chat and files to just before a prompt, or forward again.

    Parameters
    ----------
    session
        Id of the session, or enough of its beginning.
    seq
        Place of the prompt in the session's log.
    forward
        Back to how it was before the rewind.
    """
    if (seq is None) != forward:
        raise InvalidInput(
            "Say either --seq N or --forward.",
            remedy="The prompts of a session have their places in `GET /api/sessions/{id}/events`.",
        )
    hub = _hub()
    found = hub.session(session)
    hub.ask("POST", f"/api/sessions/{found['id']}/rewind", json={"seq": seq})


def fork(session: str, /, *, seq: int | None = None) -> None:
    """Make a new session of one, with chat and files as they were just before a prompt.

    Parameters
    ----------
    session
        Id of the session, or enough of its beginning.
    seq
        Place of the prompt in the session's log. Without it, all of the session is copied.
    """
    hub = _hub()
    found = hub.session(session)
    made = hub.ask("POST", f"/api/sessions/{found['id']}/fork", json={"seq": seq}, once=True)
    print(f"{made['id']}  {hub.page(made['id'])}")


def _hub() -> Hub:
    settings = load_settings()
    configure_logs("warning")
    return connect(settings)
