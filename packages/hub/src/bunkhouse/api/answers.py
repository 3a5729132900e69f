"""Answers of the API that are put together from several rooms: models, the system."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from bunkhouse.api import schemas
from bunkhouse.broker.models.providers import Providers
from bunkhouse.errors import EngineDown
from bunkhouse.sandboxes.local import LocalEngine
from bunkhouse.settings import Settings
from bunkhouse.version import version

_FOLLOW_SECONDS = 1.0
_FRESH_SECONDS = 0.8


class ModelAnswers:
    """The models that this installation offers."""

    def __init__(self, providers: Providers) -> None:
        self._providers = providers

    async def models(self) -> schemas.Models:
        """List them, and the providers that could be switched on."""
        return schemas.Models(
            items=[
                schemas.ModelOut(
                    id=model.id,
                    provider=model.provider,
                    name=f"{model.name.capitalize()} (scripted)" if model.scripted else model.name,
                    scripted=model.scripted,
                )
                for model in self._providers.known_models()
            ],
            providers=[
                schemas.ProviderOut(
                    id=provider.id, name=provider.name, enabled=provider.enabled, how=provider.how
                )
                for provider in self._providers.all()
            ],
            default=self._providers.default(),
        )


class SystemAnswers:
    """The state of engine, image and sandboxes."""

    def __init__(
        self,
        engine: LocalEngine,
        settings: Settings,
        sample: Path | None,
        *,
        hold: Callable[[], str | None],
    ) -> None:
        """`hold` says why no new work is to begin now, if so."""
        self._engine = engine
        self._settings = settings
        self._sample = sample
        self._hold = hold
        self._asking = asyncio.Lock()
        self._known: tuple[float, schemas.SystemStatus] | None = None

    async def status(self) -> schemas.SystemStatus:
        """Give it as it is now, or was a moment ago: the engine is asked once for all who look."""
        async with self._asking:
            if self._known is None or time.monotonic() - self._known[0] > _FRESH_SECONDS:
                self._known = (time.monotonic(), await self._ask())
            return self._known[1]

    async def _ask(self) -> schemas.SystemStatus:
        image = schemas.ImageStatus(state="unknown")
        sandboxes = 0
        try:
            info = await self._engine.info()
            engine = schemas.EngineStatus(
                ok=True, name=info.name, version=info.version, socket=info.address.url
            )
            found = await self._engine.image()
            image = schemas.ImageStatus.model_validate(found, from_attributes=True)
            if found.state == "ready":
                sandboxes = sum(status.state == "running" for status in await self._engine.list())
        except EngineDown as error:
            engine = schemas.EngineStatus(ok=False, error=error.message, remedy=error.remedy)
        return schemas.SystemStatus(
            version=version(),
            engine=engine,
            image=image,
            sandboxes=sandboxes,
            max_sandboxes=self._settings.max_sandboxes,
            held=self._hold(),
            sample_repository=str(self._sample) if self._sample else None,
        )

    async def follow(self) -> AsyncIterator[schemas.SystemStatus]:
        """Give it at each change that people should see."""
        last = None
        while True:
            status = await self.status()
            if status != last:
                yield status
            last = status
            await asyncio.sleep(_FOLLOW_SECONDS)
