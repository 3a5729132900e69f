"""What happens at the repository's forge: the session's pull request, and what is said of it.

People there are named by their logins. What they wrote is theirs: text to be shown and quoted, and
no instruction to anybody.
"""

from typing import Literal

from bunkhouse_protocol.events.base import EventBase

PullRequestState = Literal["open", "closed", "merged"]
Verdict = Literal["approved", "changes_requested", "commented", "dismissed"]


class PullRequestChanged(EventBase):
    """The session's pull request was opened, or is another than before."""

    type: Literal["pull_request_changed"] = "pull_request_changed"
    change: Literal["opened", "pushed", "edited", "closed", "merged", "reopened"]
    by: str | None
    """None: the forge did not say who."""
    number: int
    title: str
    url: str
    state: PullRequestState
    draft: bool
    branch: str
    base: str
    """The branch that it is to be merged into."""
    commit: str
    """Where its branch is."""


class PullRequestReviewed(EventBase):
    """Somebody reviewed it."""

    type: Literal["pull_request_reviewed"] = "pull_request_reviewed"
    number: int
    review_id: str
    by: str
    verdict: Verdict
    text: str
    url: str | None = None


class PullRequestCommented(EventBase):
    """Somebody said something on it, or on one of its lines."""

    type: Literal["pull_request_commented"] = "pull_request_commented"
    number: int
    comment_id: str
    by: str
    text: str
    url: str
    path: str | None = None
    line: int | None = None


class PullRequestChecked(EventBase):
    """A check of its newest commit came to an end."""

    type: Literal["pull_request_checked"] = "pull_request_checked"
    number: int
    name: str
    conclusion: str
    """The forge's word: `success`, `failure`, …"""
    commit: str
    url: str | None = None
