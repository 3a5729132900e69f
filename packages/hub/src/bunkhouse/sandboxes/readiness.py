"""Whether sandboxes can be made now, and if not, why, in words for people."""

from dataclasses import dataclass

from bunkhouse.errors import EngineDown
from bunkhouse.sandboxes.local import LocalEngine
from bunkhouse.settings import Settings

BUILDING = "The sandbox image is being built; the session starts when it is there."


@dataclass(frozen=True, slots=True)
class Readiness:
    """`reference` is the image to start; None while there is none, and then `reason` says why."""

    reference: str | None
    reason: str | None


async def readiness(engine: LocalEngine, settings: Settings) -> Readiness:
    """Look at the engine and its image; begins to build one that is missing."""
    try:
        info = await engine.info()
        if info.in_vm and not settings.hub_url_for_sandboxes:
            return Readiness(
                None,
                "The container engine runs in a virtual machine, which can't share a socket with "
                "the hub. Set BUNKHOUSE_HUB_URL_FOR_SANDBOXES to the hub's URL as seen from there.",
            )
        status = await engine.image()
        if status.state == "ready":
            return Readiness(await engine.image_reference(), None)
    except EngineDown as error:
        return Readiness(None, str(error))
    if status.state == "failed":
        return Readiness(None, f"{status.error} {status.remedy or ''}".strip())
    return Readiness(None, BUILDING)
