"""What there is to start a session with: repositories, their branches, issues, pull requests."""

import asyncio
from collections.abc import Sequence
from typing import Literal

from bunkhouse.api.repository_schemas import (
    Branches,
    ForgeOut,
    RepositoriesOut,
    RepositoryOut,
    TopicOut,
)
from bunkhouse.broker.catalog import Catalog
from bunkhouse.broker.git.branches import branches
from bunkhouse.broker.git.credentials import Credentials
from bunkhouse.broker.git.repositories import recall
from bunkhouse.errors import (
    BunkhouseError,
    GrantMissing,
    GrantRevoked,
    InvalidInput,
    UpstreamFailed,
)
from bunkhouse.forges import Forge, Grants, Issue, PullRequest, Repository, Topics
from bunkhouse.people import Person
from bunkhouse.sessions.recent import Recent

FORGE_SECONDS = 10.0
"""How long a forge may take to say what it has; the list goes without it then."""

_RECENT = 12
_FOUND = 30


class RepositoryAnswers:
    """Looks for repositories, and into them, before there is a session."""

    def __init__(
        self,
        catalog: Catalog,
        recent: Recent,
        grants: Grants,
        *,
        seconds: float = FORGE_SECONDS,
    ) -> None:
        """`seconds`: how long a forge may take to list repositories."""
        self._catalog = catalog
        self._recent = recent
        self._grants = grants
        self._credentials = Credentials(grants)
        self._topics = Topics(grants)
        self._seconds = seconds

    async def find(self, text: str, person: Person) -> RepositoriesOut:
        """Those that a person used, and those that they can reach; or of both what fits a text.

        A forge that does not answer fails nothing: what it would have had is not there.
        """
        used = await self._recent.repositories(person.id, limit=200 if text else _RECENT)
        forges = self._grants.forges
        answers = await asyncio.gather(*(self._ask(forge, text, person) for forge in forges))
        known = {self._key(each.url): each for _, found in answers for each in found}
        own: dict[str, str] = {}
        for url in used:
            own.setdefault(self._key(url), url)
        recent = [_shown(url, known.pop(key, None), recent=True) for key, url in own.items()]
        fitting = [each for each in recent if _fits(each, text)]
        others = [_shown(each.url, each, recent=False) for each in known.values()]
        return RepositoriesOut(
            items=[*fitting[:_RECENT], *others], forges=[forge for forge, _ in answers]
        )

    async def branches(self, repository: str, person: Person) -> Branches:
        """List branches, as this person may see them."""
        ref = await self._catalog.find(repository, person)
        credential = await self._credentials.if_any(ref, person.id) if ref.kind == "url" else None
        default, names = await branches(ref, credential)
        return Branches(default=default, items=names)

    async def issues(self, repository: str, person: Person) -> list[TopicOut]:
        """List open issues, newest first."""
        ref = await self._catalog.find(repository, person)
        found = await self._topics.issues(ref.url, person.id)
        return [_listed(each, branch=None) for each in found]

    async def pull_requests(self, repository: str, person: Person) -> list[TopicOut]:
        """List open pull requests, newest first."""
        ref = await self._catalog.find(repository, person)
        found = await self._topics.pull_requests(ref.url, person.id)
        return [
            _listed(each, branch=each.head if each.head_is_here else each.base) for each in found
        ]

    async def _ask(
        self, forge: Forge, text: str, person: Person
    ) -> tuple[ForgeOut, Sequence[Repository]]:
        async def act(token: str) -> Sequence[Repository]:
            if not text:
                return await forge.repositories(token, limit=_FOUND)
            try:
                return await forge.search(token, text, limit=_FOUND)
            except InvalidInput:
                return []  # of what is half typed a forge may say that it is no search

        grant: Literal["given", "missing", "revoked"] = "given"
        error: BunkhouseError | None = None
        found: Sequence[Repository] = ()
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._grants.call(person.id, forge.host, act)
        except (GrantMissing, GrantRevoked) as refused:
            grant = "missing" if isinstance(refused, GrantMissing) else "revoked"
            error = refused
        except BunkhouseError as failed:
            error = failed
        except TimeoutError:
            error = UpstreamFailed(
                f"{forge.host} takes too long to answer.", remedy="Try again in a while."
            )
        return (
            ForgeOut(
                kind="github",
                host=forge.host,
                url=forge.url,
                grant=grant,
                problem=None if error is None else error.message,
                remedy=None if error is None else error.remedy,
            ),
            found,
        )

    def _key(self, url: str) -> str:
        """The same for all ways to write the address of a repository at a forge."""
        forge = self._grants.forge_of(url)
        name = None if forge is None else forge.repository_of(url)
        return url if forge is None or name is None else f"{forge.url}/{name}".lower()


def _shown(url: str, known: Repository | None, *, recent: bool) -> RepositoryOut:
    if known is None:
        return RepositoryOut(
            name=recall(url).name,
            url=url,
            private=None,
            default_branch=None,
            description=None,
            pushed_at=None,
            may_push=None,
            recent=recent,
        )
    return RepositoryOut(
        name=known.name,
        url=known.url,
        private=known.private,
        default_branch=known.default_branch,
        description=known.description,
        pushed_at=known.pushed_at,
        may_push=known.may_push,
        recent=recent,
    )


def _listed(topic: Issue | PullRequest, *, branch: str | None) -> TopicOut:
    return TopicOut(
        number=topic.number, title=topic.title, author=topic.author, url=topic.url, branch=branch
    )


def _fits(repository: RepositoryOut, text: str) -> bool:
    """Each word is somewhere in its address or name; or the forge found it."""
    searched = f"{repository.name} {repository.url}".lower()
    return repository.private is not None or all(word in searched for word in text.lower().split())
