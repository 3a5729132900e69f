"""The model providers of this installation, and what `provider/model` means.

A provider is switched on by its key (`OPENAI_API_KEY`, …). One that speaks like OpenAI and needs no
key (Ollama, vLLM) is switched on by `OPENAI_BASE_URL` alone. Any model id that a provider takes is
allowed; the known ones are there to choose from.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import httpx2
import structlog
from pydantic import SecretStr

from bunkhouse.broker.demo import DEMO_BASE_URL, DEMO_MODELS
from bunkhouse.errors import InvalidInput
from bunkhouse.settings import Settings

log = structlog.stdlib.get_logger(__name__)

Dialect = Literal["openai", "anthropic", "gemini"]

KNOWN: dict[str, tuple[str, ...]] = {
    "anthropic": (
        "claude-opus-5-5",
        "claude-sonnet-5",
        "claude-haiku-4-5",
        "claude-fable-5-1",
        "claude-opus-5",
    ),
    "openai": ("gpt-6-sol", "gpt-6-luna", "gpt-6-astra", "gpt-5.6", "gpt-5.3-codex"),
    "gemini": (
        "gemini-3.1-pro-preview",
        "gemini-3.6-flash",
        "gemini-3.5-flash-lite",
        "gemini-2.5-pro",
    ),
}
"""Models to choose from at the providers' own addresses, the one to begin with first."""

LIST_SECONDS = 5.0
"""How long a server may take to say which models it has."""

LIST_LIMIT = 200


@dataclass(frozen=True)
class Provider:
    """A model provider, on or off."""

    id: str
    """Its name in `provider/model` and behind the door: `/sandbox/models/{id}`."""
    name: str
    dialect: Dialect
    base_url: str
    """Without a slash at the end; by the provider's convention with or without the version."""
    key: SecretStr | None = field(repr=False)
    enabled: bool
    how: str
    """How to switch it on, in a sentence."""
    key_variable: str | None
    """The environment variable that holds its key; none for the demo model."""
    url_variable: str | None
    models: tuple[str, ...] = ()
    scripted: bool = False
    """True for the built-in demo model."""


@dataclass(frozen=True)
class KnownModel:
    """A model to choose. `id` is `provider/model`."""

    id: str
    provider: str
    name: str
    scripted: bool


class Providers:
    """All providers, by the settings; and the models that a custom server says it has."""

    def __init__(
        self, settings: Settings, *, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self._default = settings.default_model
        self._transport = transport
        self._providers = {provider.id: provider for provider in _from(settings)}
        self._asked: dict[str, tuple[str, ...]] = {}

    def all(self) -> list[Provider]:
        """Every provider, those that are off included, in the order of choice."""
        return list(self._providers.values())

    def enabled(self) -> list[Provider]:
        """Those that are switched on."""
        return [provider for provider in self._providers.values() if provider.enabled]

    def get(self, provider_id: str) -> Provider:
        """The provider of this id, which is switched on.

        Raises `InvalidInput` with code `unknown_provider` or `provider_off`.
        """
        provider = self._providers.get(provider_id)
        if provider is None:
            known = ", ".join(f"`{name}`" for name in self._providers)
            raise InvalidInput(
                f"There is no provider `{provider_id}`.",
                remedy=f"Known: {known}.",
                code="unknown_provider",
            )
        if not provider.enabled:
            raise InvalidInput(
                f"{provider.name} is switched off.", remedy=provider.how, code="provider_off"
            )
        return provider

    def split(self, model: str) -> tuple[Provider, str]:
        """Take `provider/model` apart: the provider (switched on) and the model's id.

        The id may have slashes of its own (`openai/meta-llama/Llama-3`). Raises `InvalidInput`,
        with code `invalid_model` where the form is wrong.
        """
        provider_id, slash, model_id = model.strip().partition("/")
        if not (slash and provider_id and model_id):
            raise InvalidInput(
                f"`{model}` does not name a model.",
                remedy=f"Give it as `provider/model`, for instance `{self.default()}`.",
                code="invalid_model",
            )
        return self.get(provider_id), model_id

    def default(self) -> str:
        """The model that is chosen at first: the setting, else the first provider's first."""
        if self._default:
            return self._default
        for provider in self.enabled():
            if models := self.models_of(provider.id):
                return f"{provider.id}/{models[0]}"
        return "demo/demo"

    def models_of(self, provider_id: str) -> tuple[str, ...]:
        """Known model ids of a provider, best first; empty where nobody has said yet."""
        return self._asked.get(provider_id) or self._providers[provider_id].models

    def known_models(self) -> list[KnownModel]:
        """Every known model of the providers that are switched on."""
        return [
            KnownModel(f"{provider.id}/{model}", provider.id, model, provider.scripted)
            for provider in self.enabled()
            for model in self.models_of(provider.id)
        ]

    async def refresh(self) -> None:
        """Ask the servers at custom addresses for their models; failures keep what was known."""
        custom = [p for p in self.enabled() if p.dialect == "openai" and not p.models]
        await asyncio.gather(*(self._ask(provider) for provider in custom))

    async def keep_fresh(self, seconds: float = 300.0) -> None:
        """Run `refresh` now and then, until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(seconds)

    async def _ask(self, provider: Provider) -> None:
        headers: dict[str, str] = {}
        if provider.key is not None:
            headers["authorization"] = f"Bearer {provider.key.get_secret_value()}"
        try:
            async with httpx2.AsyncClient(
                timeout=LIST_SECONDS, transport=self._transport
            ) as client:
                answer = await client.get(f"{provider.base_url}/models", headers=headers)
                answer.raise_for_status()
                ids = [str(entry["id"]) for entry in answer.json()["data"]]
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, KeyError, TypeError) as error:
            log.info("models_not_listed", provider=provider.id, error=type(error).__name__)
            return
        self._asked[provider.id] = tuple(ids[:LIST_LIMIT])


def _from(settings: Settings) -> list[Provider]:
    keys = {
        "anthropic": settings.anthropic_api_key,
        "openai": settings.openai_api_key,
        "gemini": settings.gemini_api_key,
    }
    urls = {
        "anthropic": settings.anthropic_base_url,
        "openai": settings.openai_base_url,
        "gemini": settings.gemini_base_url,
    }
    return [
        _provider("anthropic", "Anthropic", "anthropic", urls, keys),
        _provider("openai", "OpenAI", "openai", urls, keys),
        _provider("gemini", "Gemini", "gemini", urls, keys),
        Provider(
            id="demo",
            name="Demo (scripted)",
            dialect="openai",
            base_url=DEMO_BASE_URL,
            key=None,
            enabled=settings.demo,
            how="Set BUNKHOUSE_DEMO=true in the hub's environment or .env, and start it again.",
            key_variable=None,
            url_variable=None,
            models=DEMO_MODELS,
            scripted=True,
        ),
    ]


def _provider(
    provider_id: str,
    name: str,
    dialect: Dialect,
    urls: dict[str, str],
    keys: dict[str, SecretStr | None],
) -> Provider:
    usual = str(Settings.model_fields[f"{provider_id}_base_url"].default)
    base_url = urls[provider_id].strip().rstrip("/") or usual
    if "://" not in base_url:
        base_url = f"http://{base_url}"  # `localhost:11434`, as Ollama's own clients take it
    key = keys[provider_id]
    if key is not None and not key.get_secret_value().strip():
        key = None
    custom = base_url != usual
    if custom and dialect == "openai":
        parts = urlsplit(base_url)
        name = f"OpenAI-compatible ({parts.netloc.rpartition('@')[2]})"
        if not parts.path:
            base_url += "/v1"
    keyless = custom and dialect == "openai"
    variable = provider_id.upper()
    return Provider(
        id=provider_id,
        name=name,
        dialect=dialect,
        base_url=base_url,
        key=SecretStr(key.get_secret_value().strip()) if key is not None else None,
        enabled=key is not None or keyless,
        how=f"Set {variable}_API_KEY in the hub's environment or .env, and start it again.",
        key_variable=f"{variable}_API_KEY",
        url_variable=f"{variable}_BASE_URL",
        models=() if keyless else KNOWN[provider_id],
    )
