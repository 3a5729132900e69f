"""The installation: health, status, models, branches of a repository."""

from typing import Annotated

from fastapi import APIRouter, Query

from bunkhouse.api.access import Hub, ModelsReader, RepositoryReader, SystemReader
from bunkhouse.api.schemas import Branches, Health, Models, SystemStatus
from bunkhouse.version import version

router = APIRouter(tags=["system"])


@router.get("/health")
async def get_health() -> Health:
    """Say that the hub answers. Needs no token."""
    return Health(ok=True, version=version())


@router.get("/system")
async def get_system(hub: Hub, _person: SystemReader) -> SystemStatus:
    """Show how engine and image are."""
    return await hub.system.status()


@router.get("/models")
async def list_models(hub: Hub, _person: ModelsReader) -> Models:
    """List models to choose from, and providers that could be switched on."""
    return await hub.models.models()


@router.get("/branches")
async def list_branches(
    hub: Hub,
    person: RepositoryReader,
    repository: Annotated[str, Query(min_length=1, max_length=2048)],
) -> Branches:
    """List the branches of a repository, which must be reachable."""
    return await hub.repositories.branches(repository, person)
