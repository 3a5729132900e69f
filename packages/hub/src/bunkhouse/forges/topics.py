"""Issues and pull requests with what is said on them, as a session can be started from.

All is read with the grant of whoever asks, so nobody reads here what they could not read there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from bunkhouse.errors import InvalidInput
from bunkhouse.forges.forge import Comment, Forge, Issue, PullRequest, Review
from bunkhouse.forges.grants import Grants

T = TypeVar("T")

TopicKind = Literal["issue", "pull_request"]

COMMENTS = 300
"""How many of each kind are read: comments, reviews, comments on lines."""

_LISTED = 100


@dataclass(frozen=True, slots=True)
class Topic:
    """An issue or a pull request, and what is said on it. Of the words no one is to be trusted."""

    kind: TopicKind
    host: str
    """Of the forge."""
    repository: str
    """`owner/name`."""
    number: int
    title: str
    author: str
    body: str
    url: str
    comments: Sequence[Comment]
    """Oldest first, those of reviews and on lines among them."""
    more: bool = False
    """There are newer comments than those that were read."""
    head: str | None = None
    """The branch that is to be merged."""
    head_is_here: bool = False
    """That branch is in this repository, and not in a fork."""
    base: str | None = None
    """The branch that it is to be merged into."""


class Topics:
    """The issues and pull requests at the forges that an installation knows.

    `repository` is the URL of one. Every call raises:

        InvalidInput                 the repository is on no such forge
        GrantMissing, GrantRevoked   this person is not signed in there (any more)
        NotFound, Forbidden          as the forge answers this person
        TooMany, UpstreamFailed      it takes no more calls, or fails
        VaultKeyMissing, SealBroken  the person's token can't be decrypted
    """

    def __init__(self, grants: Grants | None) -> None:
        """`grants`: None where there are no forges."""
        self._grants = grants

    async def issues(self, repository: str, person_id: str) -> Sequence[Issue]:
        """Its open issues, newest first."""
        return await self._ask(
            repository,
            person_id,
            lambda forge, name, token: forge.issues(token, name, limit=_LISTED),
        )

    async def pull_requests(self, repository: str, person_id: str) -> Sequence[PullRequest]:
        """Its open pull requests, newest first."""
        return await self._ask(
            repository,
            person_id,
            lambda forge, name, token: forge.pull_requests(token, name, limit=_LISTED),
        )

    async def read(self, repository: str, kind: TopicKind, number: int, person_id: str) -> Topic:
        """One of them, with its discussion. `InvalidInput` also where it is of the other kind."""
        how = _issue if kind == "issue" else _pull_request
        return await self._ask(
            repository, person_id, lambda forge, name, token: how(forge, name, token, number)
        )

    async def _ask(
        self,
        repository: str,
        person_id: str,
        act: Callable[[Forge, str, str], Awaitable[T]],
    ) -> T:
        forge = None if self._grants is None else self._grants.forge_of(repository)
        name = None if forge is None else forge.repository_of(repository)
        if self._grants is None or forge is None or name is None:
            raise InvalidInput(
                f"{repository} is on no forge whose issues and pull requests can be read here.",
                remedy="Choose a repository of GitHub, as `https://github.com/owner/name`.",
                code="no_forge",
            )
        return await self._grants.call(person_id, forge.host, lambda token: act(forge, name, token))


async def _issue(forge: Forge, name: str, token: str, number: int) -> Topic:
    issue = await forge.issue(token, name, number)
    if issue.is_pull_request:
        raise InvalidInput(
            f"#{number} of {name} is a pull request, not an issue.",
            remedy="Start from the pull request: `from_pull_request`, or `--pull-request`.",
            code="not_an_issue",
        )
    comments = await forge.comments(token, name, number, limit=COMMENTS + 1)
    more = len(comments) > COMMENTS
    return _topic("issue", forge, name, issue, comments[:COMMENTS], more=more)


async def _pull_request(forge: Forge, name: str, token: str, number: int) -> Topic:
    pull = await forge.pull_request(token, name, number)
    comments, reviews, on_lines = await asyncio.gather(
        forge.comments(token, name, number, limit=COMMENTS + 1),
        forge.reviews(token, name, number, limit=COMMENTS + 1),
        forge.review_comments(token, name, number, limit=COMMENTS + 1),
    )
    said = [
        *comments[:COMMENTS],
        *_words_of(reviews[:COMMENTS], pull.url),
        *on_lines[:COMMENTS],
    ]
    said.sort(key=lambda each: each.created_at)
    more = max(map(len, (comments, reviews, on_lines))) > COMMENTS
    topic = _topic("pull_request", forge, name, pull, said, more=more)
    return replace(topic, head=pull.head, head_is_here=pull.head_is_here, base=pull.base)


def _topic(
    kind: TopicKind,
    forge: Forge,
    name: str,
    subject: Issue | PullRequest,
    comments: Sequence[Comment],
    *,
    more: bool,
) -> Topic:
    return Topic(
        kind=kind,
        host=forge.host,
        repository=name,
        number=subject.number,
        title=subject.title,
        author=subject.author,
        body=subject.body,
        url=subject.url,
        comments=comments,
        more=more,
    )


def _words_of(reviews: Sequence[Review], url: str) -> list[Comment]:
    """What reviews say as a whole; of one that is not handed in nobody else knows yet."""
    return [
        Comment(each.id, each.author, each.body, each.submitted_at, url)
        for each in reviews
        if each.submitted_at is not None and each.state != "pending" and each.body.strip()
    ]
