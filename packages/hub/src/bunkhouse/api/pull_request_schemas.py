"""The shape of a session's pull request, as the API shows it."""

from pydantic import BaseModel

from bunkhouse_protocol.events import PullRequestState


class PullRequestOut(BaseModel):
    """The pull request of a session's branch, as far as the hub has heard of it."""

    number: int
    url: str
    title: str
    body: str
    state: PullRequestState
    draft: bool
    base: str
    """The branch that it is to be merged into."""
    commit: str
    passed: int
    """Checks of its commit, by how they ended."""
    failed: int
    running: int
