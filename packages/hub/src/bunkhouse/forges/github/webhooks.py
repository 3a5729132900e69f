"""What GitHub tells by itself: webhooks, whose sender is known by a signature over the raw body."""

import hashlib
import hmac
from collections.abc import Callable, Collection
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from bunkhouse.errors import InvalidInput, Unauthorized
from bunkhouse.forges.forge import Heard, Said
from bunkhouse.forges.github import wire

SIGNATURE = "X-Hub-Signature-256"
EVENT = "X-GitHub-Event"


class _Repository(BaseModel):
    full_name: str


class _Numbered(BaseModel):
    number: int


class _Issue(BaseModel):
    number: int
    pull_request: dict[str, Any] | None = None


class _Review(wire.Review):
    # Those of webhooks are in small letters.
    state: str  # pyright: ignore[reportIncompatibleVariableOverride]


class _CheckRun(wire.CheckRun):
    pull_requests: list[_Numbered] = Field(default_factory=list[_Numbered])


class _Hook(BaseModel):
    """All that is read of any of them."""

    action: str = ""
    repository: _Repository | None = None
    sender: wire.User | None = None
    pull_request: dict[str, Any] | None = None
    review: _Review | None = None
    comment: wire.Comment | None = None
    issue: _Issue | None = None
    check_run: _CheckRun | None = None


def check(secrets: Collection[str], body: bytes, signature: str | None) -> None:
    """See that GitHub sent this: it was signed with one of these secrets.

    Raises:
        Unauthorized: whoever sent it knows none of them.
    """
    given = (signature or "").encode()
    if not any(hmac.compare_digest(_signature(each, body), given) for each in secrets):
        raise Unauthorized(
            "The signature of this webhook is not right.",
            remedy="Give the webhook the secret that is in BUNKHOUSE_GITHUB_WEBHOOK_SECRET. Those "
            "of a GitHub App are signed with its own: set the App up anew if that was changed.",
            code="bad_signature",
        )


def _signature(secret: str, body: bytes) -> bytes:
    return b"sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()


def read(event: str, body: bytes) -> Heard | None:
    """Understand a webhook; None: it is about nothing that is of use here.

    Raises:
        InvalidInput: it is not one of GitHub's.
    """
    try:
        hook = _Hook.model_validate_json(body)
        said = _said(event, hook)
    except ValidationError as error:
        raise InvalidInput("This is no webhook of GitHub's.", code="bad_webhook") from error
    if hook.repository is None or said is None:
        return None
    numbers, what = said
    by = None if hook.sender is None else hook.sender.login
    return Heard(hook.repository.full_name, numbers, what, by)


def _said(event: str, hook: _Hook) -> tuple[tuple[int, ...], Said] | None:
    understood = _UNDERSTOOD.get((event, hook.action)) or _UNDERSTOOD.get((event, None))
    return None if understood is None else understood(hook)


def _pull_request(hook: _Hook) -> tuple[tuple[int, ...], Said] | None:
    pull = wire.PullRequest.model_validate(hook.pull_request or {}).plain()
    return (pull.number,), pull


def _review(hook: _Hook) -> tuple[tuple[int, ...], Said] | None:
    if hook.review is None:
        return None
    fields = {**hook.review.model_dump(), "state": hook.review.state.upper()}
    return _number(hook), wire.Review.model_validate(fields).plain()


def _on_a_line(hook: _Hook) -> tuple[tuple[int, ...], Said] | None:
    return None if hook.comment is None else (_number(hook), hook.comment.plain())


def _comment(hook: _Hook) -> tuple[tuple[int, ...], Said] | None:
    if hook.comment is None or hook.issue is None or hook.issue.pull_request is None:
        return None
    return (hook.issue.number,), hook.comment.plain()


def _check_run(hook: _Hook) -> tuple[tuple[int, ...], Said] | None:
    run = hook.check_run
    return None if run is None else (tuple(p.number for p in run.pull_requests), run.plain())


def _number(hook: _Hook) -> tuple[int, ...]:
    return (_Numbered.model_validate(hook.pull_request or {}).number,)


_UNDERSTOOD: dict[
    tuple[str, str | None], Callable[[_Hook], tuple[tuple[int, ...], Said] | None]
] = {
    ("pull_request", None): _pull_request,  # whatever was done: how it is then counts
    ("pull_request_review", "submitted"): _review,
    ("pull_request_review", "dismissed"): _review,
    ("pull_request_review_comment", "created"): _on_a_line,
    ("issue_comment", "created"): _comment,
    ("check_run", "created"): _check_run,
    ("check_run", "completed"): _check_run,
}
