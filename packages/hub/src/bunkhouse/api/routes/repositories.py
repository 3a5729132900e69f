"""What there is to start a session with: repositories, branches, issues, pull requests."""

from typing import Annotated

from fastapi import APIRouter, Query

from bunkhouse.api.access import Hub, RepositoryReader
from bunkhouse.api.repository_schemas import Branches, RepositoriesOut, TopicOut
from bunkhouse.api.schemas import Page

router = APIRouter(tags=["repositories"])

Given = Annotated[str, Query(min_length=1, max_length=2048)]


@router.get("/branches")
async def list_branches(hub: Hub, person: RepositoryReader, repository: Given) -> Branches:
    """List the branches of a repository, which must be reachable, as you may see them."""
    return await hub.repositories.branches(repository, person)


@router.get("/repositories")
async def find_repositories(
    hub: Hub, person: RepositoryReader, q: Annotated[str, Query(max_length=200)] = ""
) -> RepositoriesOut:
    """List repositories that you used and those that you can reach; with `q`, what fits it."""
    return await hub.repositories.find(q.strip(), person)


@router.get("/repositories/issues")
async def list_issues(hub: Hub, person: RepositoryReader, repository: Given) -> Page[TopicOut]:
    """List the newest open issues of a repository at a forge where you have a grant."""
    return Page(items=await hub.repositories.issues(repository, person))


@router.get("/repositories/pull-requests")
async def list_pull_requests(
    hub: Hub, person: RepositoryReader, repository: Given
) -> Page[TopicOut]:
    """List the newest open pull requests of such a repository."""
    return Page(items=await hub.repositories.pull_requests(repository, person))
