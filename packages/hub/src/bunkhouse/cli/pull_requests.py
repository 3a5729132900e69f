"""`pr`."""

from typing import Annotated

from cyclopts import Parameter

from bunkhouse.cli.configuration import configure_logs, load_settings
from bunkhouse.cli.hub import connect


def pull_request(
    session: str,
    /,
    *,
    title: str | None = None,
    body: str | None = None,
    base: str | None = None,
    draft: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Push a session's work and open a pull request of it, or bring the open one up to it.

    Parameters
    ----------
    session
        Id of the session, or enough of its beginning.
    title
        Its title. Without: the session's.
    body
        Its text, in Markdown. Without: what the agent said last.
    base
        The branch that it is to be merged into. Without: that where the session began.
    draft
        It is not to be reviewed yet.
    """
    configure_logs("warning")
    hub = connect(load_settings())
    found = hub.session(session)
    wanted = {"title": title, "body": body, "base": base, "draft": draft}
    made = hub.ask("POST", f"/api/sessions/{found['id']}/pull-request", json=wanted)
    print(made["pull_request"]["url"])
