"""The parts of GitHub's answers that are read, and what they mean for us."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field, TypeAdapter

from bunkhouse.forges import forge

_GHOST = "ghost"
"""As GitHub shows whoever deleted their account."""


class User(BaseModel):
    """An account."""

    id: int
    login: str
    name: str | None = None

    def plain(self) -> forge.Account:
        """As the port has it."""
        return forge.Account(str(self.id), self.login, (self.name or "").strip() or self.login)


class _Permissions(BaseModel):
    push: bool = False


class Repository(BaseModel):
    """A repository."""

    full_name: str
    html_url: str
    private: bool
    default_branch: str
    description: str | None = None
    pushed_at: datetime | None = None
    permissions: _Permissions = _Permissions()

    def plain(self) -> forge.Repository:
        """As the port has it."""
        return forge.Repository(
            name=self.full_name,
            url=self.html_url,
            private=self.private,
            default_branch=self.default_branch,
            description=self.description,
            pushed_at=self.pushed_at,
            may_push=self.permissions.push,
        )


class _Commit(BaseModel):
    sha: str


class Branch(BaseModel):
    """A branch."""

    name: str
    commit: _Commit

    def plain(self) -> forge.Branch:
        """As the port has it."""
        return forge.Branch(self.name, self.commit.sha)


class Issue(BaseModel):
    """An issue."""

    number: int
    title: str
    body: str | None = None
    user: User | None
    state: Literal["open", "closed"]
    html_url: str
    pull_request: dict[str, Any] | None = None

    def plain(self) -> forge.Issue:
        """As the port has it."""
        return forge.Issue(
            number=self.number,
            title=self.title,
            body=self.body or "",
            author=_login(self.user),
            state=self.state,
            url=self.html_url,
            is_pull_request=self.pull_request is not None,
        )


class Comment(BaseModel):
    """A comment."""

    id: int
    user: User | None
    body: str | None = None
    created_at: datetime
    html_url: str
    path: str | None = None
    line: int | None = None

    def plain(self) -> forge.Comment:
        """As the port has it."""
        return forge.Comment(
            id=str(self.id),
            author=_login(self.user),
            body=self.body or "",
            created_at=self.created_at,
            url=self.html_url,
            path=self.path,
            line=self.line,
        )


class _SideRepository(BaseModel):
    id: int


class _Side(BaseModel):
    ref: str
    sha: str
    repo: _SideRepository | None = None
    """None: it was deleted since."""


class PullRequest(BaseModel):
    """A pull request, as it is in lists too."""

    number: int
    title: str
    body: str | None = None
    state: Literal["open", "closed"]
    merged_at: datetime | None = None
    draft: bool = False
    user: User | None
    html_url: str
    head: _Side
    base: _Side

    def plain(self) -> forge.PullRequest:
        """As the port has it."""
        return forge.PullRequest(
            number=self.number,
            title=self.title,
            body=self.body or "",
            state=self.state,
            merged=self.merged_at is not None,
            draft=self.draft,
            author=_login(self.user),
            url=self.html_url,
            head=self.head.ref,
            head_commit=self.head.sha,
            base=self.base.ref,
            head_is_here=self.head.repo is not None and self.head.repo == self.base.repo,
        )


class Review(BaseModel):
    """A review."""

    id: int
    user: User | None
    state: Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"]
    body: str | None = None
    submitted_at: datetime | None = None
    html_url: str | None = None

    def plain(self) -> forge.Review:
        """As the port has it."""
        return forge.Review(
            id=str(self.id),
            author=_login(self.user),
            state=_REVIEW_STATES[self.state],
            body=self.body or "",
            submitted_at=self.submitted_at,
            url=self.html_url,
        )


_REVIEW_STATES: dict[
    str, Literal["approved", "changes_requested", "commented", "dismissed", "pending"]
] = {
    "APPROVED": "approved",
    "CHANGES_REQUESTED": "changes_requested",
    "COMMENTED": "commented",
    "DISMISSED": "dismissed",
    "PENDING": "pending",
}


class CheckRun(BaseModel):
    """A run of a check. GitHub knows more ways of waiting than it matters to tell apart."""

    id: int
    name: str
    status: str
    conclusion: str | None = None
    html_url: str | None = None
    head_sha: str

    def plain(self) -> forge.CheckRun:
        """As the port has it."""
        known: Literal["queued", "in_progress", "completed"] = "queued"
        if self.status in ("in_progress", "completed"):
            known = "completed" if self.status == "completed" else "in_progress"
        return forge.CheckRun(
            id=str(self.id),
            name=self.name,
            status=known,
            conclusion=self.conclusion,
            url=self.html_url,
            commit=self.head_sha,
        )


class Refreshed(BaseModel):
    """New tokens, or why there are none."""

    access_token: str | None = None
    refresh_token: str | None = None
    expires_in: int | None = None
    scope: str = ""
    error: str | None = None


class _Owner(BaseModel):
    """Whose an App is: an account, or an enterprise, which has a `slug` in place of a login."""

    login: str | None = None
    slug: str | None = None
    type: str = "Organization"


class MadeApp(BaseModel):
    """A GitHub App that was just made, with its secrets, which are told this once."""

    id: int
    slug: str | None = None
    name: str
    owner: _Owner
    html_url: str
    client_id: str
    client_secret: str = Field(repr=False)
    webhook_secret: str | None = Field(repr=False)
    pem: str = Field(repr=False)


class _Fault(BaseModel):
    field: str | None = None
    code: str | None = None
    message: str | None = None

    @property
    def words(self) -> str:
        return self.message or f"{self.field or 'this'}: {self.code or 'not valid'}"


class Refusal(BaseModel):
    """Why something is refused."""

    message: str = ""
    errors: list[_Fault | str] = Field(default_factory=list[_Fault | str])


class Found(BaseModel):
    """What a search found."""

    items: list[Repository] = Field(default_factory=list[Repository])


class CheckRuns(BaseModel):
    """Runs of checks."""

    check_runs: list[CheckRun] = Field(default_factory=list[CheckRun])


REPOSITORIES = TypeAdapter(list[Repository])
BRANCHES = TypeAdapter(list[Branch])
ISSUES = TypeAdapter(list[Issue])
COMMENTS = TypeAdapter(list[Comment])
PULL_REQUESTS = TypeAdapter(list[PullRequest])
REVIEWS = TypeAdapter(list[Review])


def _login(user: User | None) -> str:
    return _GHOST if user is None else user.login
