"""The port of a forge: what it is asked for, and the shapes of its answers.

Every call is made with one person's token, and so may see and do what that person may. All of them
raise:

    GrantRevoked     the token is not good (any more)
    Forbidden        it is good, but not for this
    NotFound         there is no such thing, or this person may not see it
    InvalidInput     the forge refuses what it is told; the message has its words
    TooMany          its rate limit is reached; the message says for how long
    UpstreamFailed   it can't be reached, fails, or answers what it should not
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Account:
    """A person at the forge."""

    id: str
    """Stays the same when they rename themselves."""
    login: str
    name: str
    """As they show themselves; their login where they don't."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What lets the hub act for a person."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    """For a new pair, once."""
    expires_at: datetime | None = None
    """Of the access token; None: not by itself."""
    scopes: tuple[str, ...] = ()
    """As the forge names them; empty where it has none for this kind of token."""


@dataclass(frozen=True, slots=True)
class Application:
    """As whom the hub is known at the forge."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository, as this person sees it."""

    name: str
    """`owner/name`."""
    url: str
    """Where it is looked at, and cloned from."""
    private: bool
    default_branch: str
    description: str | None
    pushed_at: datetime | None
    may_push: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch and where it is."""

    name: str
    commit: str


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue. Of a pull request too, since each is one."""

    number: int
    title: str
    body: str
    author: str
    state: Literal["open", "closed"]
    url: str
    is_pull_request: bool


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment, on an issue or on a line of a pull request."""

    id: str
    author: str
    body: str
    created_at: datetime
    url: str
    path: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request."""

    number: int
    title: str
    body: str
    state: Literal["open", "closed"]
    merged: bool
    draft: bool
    author: str
    url: str
    head: str
    """The branch that is to be merged, and its commit."""
    head_commit: str
    base: str
    """The branch that it is to be merged into."""
    head_is_here: bool
    """That `head` is in this repository, and not in a fork of it."""


@dataclass(frozen=True, slots=True)
class Review:
    """A review of a pull request."""

    id: str
    author: str
    state: Literal["approved", "changes_requested", "commented", "dismissed", "pending"]
    body: str
    submitted_at: datetime | None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class CheckRun:
    """A check of a commit. `conclusion` is the forge's word for how it ended; None until then."""

    id: str
    name: str
    status: Literal["queued", "in_progress", "completed"]
    conclusion: str | None
    url: str | None
    commit: str


Said = PullRequest | Review | Comment | CheckRun
"""What a forge tells of a pull request."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a forge told by itself."""

    repository: str
    """`owner/name`."""
    numbers: tuple[int, ...]
    """Of the pull requests that it is about."""
    said: Said
    by: str | None
    """The login of who did it."""


class Forge(Protocol):
    """One forge, at one host."""

    kind: str
    """`github`."""
    host: str
    """With its port, where that is not the usual one."""
    url: str
    """What every URL of its repositories begins with, without a slash at the end."""

    def repository_of(self, url: str) -> str | None:
        """`owner/name` of the repository that is cloned from a URL; None: it is not of here."""
        ...

    def authorization(self, token: str) -> str:
        """The `Authorization` header for git at this host."""
        ...

    async def account(self, token: str) -> tuple[Account, tuple[str, ...]]:
        """Whose token this is, and its scopes."""
        ...

    async def refreshed(self, application: Application, refresh_token: str) -> Tokens:
        """New tokens for old ones, which are void then. `GrantRevoked` where it is too late."""
        ...

    async def repositories(self, token: str, *, limit: int = 30) -> Sequence[Repository]:
        """Those that this person can reach, by newest push."""
        ...

    async def search(self, token: str, text: str, *, limit: int = 30) -> Sequence[Repository]:
        """Those that are found for a text, among all that this person can see."""
        ...

    async def repository(self, token: str, name: str) -> Repository:
        """One, by `owner/name`."""
        ...

    async def branches(self, token: str, name: str, *, limit: int = 300) -> Sequence[Branch]:
        """Its branches, by name."""
        ...

    async def issues(self, token: str, name: str, *, limit: int = 30) -> Sequence[Issue]:
        """Its open issues, newest first; pull requests are not among them."""
        ...

    async def issue(self, token: str, name: str, number: int) -> Issue:
        """One issue."""
        ...

    async def comments(
        self, token: str, name: str, number: int, *, limit: int = 300
    ) -> Sequence[Comment]:
        """What is said on an issue or a pull request, oldest first."""
        ...

    async def pull_requests(
        self, token: str, name: str, *, head: str | None = None, limit: int = 30
    ) -> Sequence[PullRequest]:
        """Its open pull requests, newest first. `head`: only that of this branch of its own."""
        ...

    async def pull_request(self, token: str, name: str, number: int) -> PullRequest:
        """One pull request."""
        ...

    async def reviews(
        self, token: str, name: str, number: int, *, limit: int = 300
    ) -> Sequence[Review]:
        """Reviews of a pull request, oldest first."""
        ...

    async def review_comments(
        self, token: str, name: str, number: int, *, limit: int = 300
    ) -> Sequence[Comment]:
        """Comments on lines of a pull request, oldest first."""
        ...

    async def checks(
        self, token: str, name: str, commit: str, *, limit: int = 100
    ) -> Sequence[CheckRun]:
        """The newest runs of each check of a commit or branch."""
        ...

    async def open_pull_request(
        self, token: str, name: str, *, head: str, base: str, title: str, body: str, draft: bool
    ) -> PullRequest:
        """Ask to merge one branch of the repository into another."""
        ...

    async def change_pull_request(
        self,
        token: str,
        name: str,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        state: Literal["open", "closed"] | None = None,
    ) -> PullRequest:
        """Change what is given."""
        ...

    async def aclose(self) -> None:
        """Close its connections."""
        ...
