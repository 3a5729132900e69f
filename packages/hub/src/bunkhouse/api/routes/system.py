"""The installation: health, status, models."""

from fastapi import APIRouter

from bunkhouse.api.access import Hub, ModelsReader, SystemReader
from bunkhouse.api.schemas import Health, Models, SystemStatus
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
