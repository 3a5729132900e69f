"""What the forge tells of a session's pull request, into its row and its log.

It is told by webhooks, by what we ask, and as the answer to what we do, in any order and more than
once: what is known already is not told again.
"""

from typing import Literal

from bunkhouse.forges import CheckRun, Comment, Heard, Review, Said
from bunkhouse.forges import PullRequest as Pull
from bunkhouse.sessions.journal import Change
from bunkhouse.store.sessions import Check, PullRequest
from bunkhouse_protocol.events import (
    Event,
    PullRequestChanged,
    PullRequestChecked,
    PullRequestCommented,
    PullRequestReviewed,
    PullRequestState,
)

_SEEN = 1000
"""As many reviews and comments are remembered as said."""

_Doing = Literal["opened", "pushed", "edited", "closed", "merged", "reopened"]


def key_of(host: str, repository: str, number: int) -> str:
    """Name a pull request among all; forges tell small letters and capitals not apart."""
    return f"{host}/{repository}#{number}".lower()


def begin(change: Change, host: str, repository: str, pull: Pull, by: str) -> None:
    """Take a pull request as that of the session's branch, from now on."""
    row = change.row
    if row.pull_request is not None and row.pull_request["number"] == pull.number:
        hear(change, pull, by)
        return
    row.pull_request = PullRequest(
        host=host,
        repository=repository,
        number=pull.number,
        url=pull.url,
        title=pull.title,
        body=pull.body,
        state=_state(pull),
        draft=pull.draft,
        base=pull.base,
        commit=pull.head_commit,
        checks={},
        seen=[],
    )
    row.pull_request_key = key_of(host, repository, pull.number)
    _tell(change, row.pull_request, "opened", by)


def heard(change: Change, told: Heard) -> None:
    """Take what the forge told by itself."""
    hear(change, told.said, told.by)


def hear(change: Change, said: Said, by: str | None = None) -> None:
    """Take something that is said of the session's pull request, unless it is known."""
    known = change.row.pull_request
    if known is None:
        return
    match said:
        case Pull():
            _changed(change, known, said, by)
        case CheckRun():
            _checked(change, known, said)
        case Review():
            _reviewed(change, known, said)
        case Comment():
            _commented(change, known, said)


def _changed(change: Change, known: PullRequest, pull: Pull, by: str | None) -> None:
    now: PullRequest = {
        **known,
        "title": pull.title,
        "body": pull.body,
        "state": _state(pull),
        "draft": pull.draft,
        "base": pull.base,
        "commit": pull.head_commit,
        "checks": known["checks"] if known["commit"] == pull.head_commit else {},
    }
    if now == known:
        return
    change.row.pull_request = now
    _tell(change, now, _doing(known, now), by)


def _doing(before: PullRequest, now: PullRequest) -> _Doing:
    if now["state"] != before["state"]:
        return "reopened" if now["state"] == "open" else now["state"]
    return "pushed" if now["commit"] != before["commit"] else "edited"


def _tell(change: Change, pull: PullRequest, doing: _Doing, by: str | None) -> None:
    change.record(
        PullRequestChanged(
            change=doing,
            by=by,
            number=pull["number"],
            title=pull["title"],
            url=pull["url"],
            state=pull["state"],
            draft=pull["draft"],
            branch=change.row.work_branch or "",
            base=pull["base"],
            commit=pull["commit"],
        )
    )


def _checked(change: Change, known: PullRequest, run: CheckRun) -> None:
    now = Check(id=run.id, conclusion=run.conclusion, url=run.url)
    before = known["checks"].get(run.name)
    if run.commit != known["commit"] or _same(before, now):
        return
    change.row.pull_request = {**known, "checks": {**known["checks"], run.name: now}}
    if run.conclusion is not None:
        change.record(
            PullRequestChecked(
                number=known["number"],
                name=run.name,
                conclusion=run.conclusion,
                commit=run.commit,
                url=run.url,
            )
        )


def _same(before: Check | None, now: Check) -> bool:
    return before is not None and all(before[key] == now[key] for key in ("id", "conclusion"))


def _reviewed(change: Change, known: PullRequest, review: Review) -> None:
    if review.state == "pending":
        return
    if review.state == "commented" and not review.body.strip():
        return  # it only holds comments on lines, which are told by themselves
    told = PullRequestReviewed(
        number=known["number"],
        review_id=review.id,
        by=review.author,
        verdict=review.state,
        text=review.body,
        url=review.url,
    )
    # One that is dismissed has been told as what it was before.
    _record_once(change, known, f"review {review.id} {review.state}", told)


def _commented(change: Change, known: PullRequest, comment: Comment) -> None:
    told = PullRequestCommented(
        number=known["number"],
        comment_id=comment.id,
        by=comment.author,
        text=comment.body,
        url=comment.url,
        path=comment.path,
        line=comment.line,
    )
    kind = "line" if comment.path else "comment"  # the forge counts them apart
    _record_once(change, known, f"{kind} {comment.id}", told)


def _record_once(change: Change, known: PullRequest, what: str, told: Event) -> None:
    if what in known["seen"]:
        return
    change.row.pull_request = {**known, "seen": [*known["seen"], what][-_SEEN:]}
    change.record(told)


def _state(pull: Pull) -> PullRequestState:
    return "merged" if pull.merged else pull.state
