"""What OpenCode is told before it starts: its configuration and its environment.

It merges, in this order: the user's own files, the file named by `OPENCODE_CONFIG`, the project's
files, `OPENCODE_CONFIG_CONTENT`. What must hold whatever a repository brings along (permissions,
the way to the models) is in the last; the models' names are in the file, since that is read again
with each new instance and may grow while OpenCode runs. The token stands in neither, but in a file
of its own that only the agent's user can read.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bunkhouse_protocol.link import Provider, SessionSpec
from bunkhouse_runner.agents.opencode import hub_tools
from bunkhouse_runner.agents.opencode.browser import BrowserTools
from bunkhouse_runner.processes import Account

WARM_UP = "warmup"
"""Provider (and model) of the throwaway turn."""

_FOLDER = Path(".config/bunkhouse")
_SDKS = {
    "openai": ("@ai-sdk/openai-compatible", "v1"),
    "anthropic": ("@ai-sdk/anthropic", "anthropic/v1"),
    "gemini": ("@ai-sdk/google", "gemini/v1beta"),
}
"""For each dialect: OpenCode's module for it (all are in its binary) and the path at the door."""
_SEEING = {"attachment": True, "modalities": {"input": ["text", "image"], "output": ["text"]}}
_CATALOG_NAMES = {"gemini": "google"}
"""Our provider ids under which OpenCode's catalogue knows no models (their limits, their cost)."""


def catalog_model(model: str) -> tuple[str, str]:
    """Return OpenCode's provider and model ids for our `provider/model`."""
    provider, _, name = model.partition("/")
    return _CATALOG_NAMES.get(provider, provider), name


@dataclass(slots=True)
class Configuration:
    """Writes what OpenCode reads. `models` grows as prompts name others."""

    account: Account
    doors_url: str
    token: str
    spec: SessionSpec
    password: str
    browser: BrowserTools | None = None
    """None: the agent has no browser."""
    warm_up_url: str | None = None
    silence: float = 300.0
    """Seconds without a word after which a model's answer counts as broken off."""

    _models: dict[str, set[str]] = field(init=False, default_factory=dict[str, set[str]])
    _seeing: set[tuple[str, str]] = field(init=False, default_factory=set[tuple[str, str]])
    """Models that the catalogue does not know, and that are shown pictures."""

    def __post_init__(self) -> None:
        for provider in self.spec.providers:
            self._models[_CATALOG_NAMES.get(provider.id, provider.id)] = set(provider.models)
        self.declare(self.spec.model)

    @property
    def folder(self) -> Path:
        """Where the files are, in the home of the agent's user."""
        return self.account.home / _FOLDER

    def warm_folder(self) -> Path:
        """Return the folder of the throwaway turn, made where it is not there."""
        folder = self.folder / "warm-up"
        if not folder.is_dir():
            folder.mkdir(mode=0o700)
            self.account.own(folder)
        return folder

    def declare(self, model: str) -> bool:
        """Make a `provider/model` known; False when it was. Call `write` after."""
        provider, name = catalog_model(model)
        known = self._models.setdefault(provider, set())
        if name in known:
            return False
        known.add(name)
        return True

    def show_pictures(self, model: str) -> None:
        """Declare that a `provider/model` reads pictures. Call `write` after."""
        self._seeing.add(catalog_model(model))

    def write(self) -> None:
        """Write the files, readable by the agent's user alone."""
        for folder in (self.account.home / ".config", self.folder):
            if not folder.is_dir():
                folder.mkdir(parents=True, mode=0o700)
                self.account.own(folder)
        self._write("token", self.token)
        providers: dict[str, Any] = {
            name: {"models": {model: self._model(name, model) for model in sorted(models)}}
            for name, models in self._models.items()
        }
        if self.warm_up_url is not None:
            providers[WARM_UP] = _provider(WARM_UP, "openai", self.warm_up_url, "none", [WARM_UP])
        self._write("opencode.json", _json({"provider": providers}))

    def environment(self) -> dict[str, str]:
        """Return the variables to start OpenCode with."""
        switches = (
            "AUTOUPDATE",
            "DEFAULT_PLUGINS",
            "LSP_DOWNLOAD",
            "MODELS_FETCH",
            "SHARE",
        )
        return {
            **{f"OPENCODE_DISABLE_{switch}": "1" for switch in switches},
            "OPENCODE_CONFIG": str(self.folder / "opencode.json"),
            "OPENCODE_CONFIG_CONTENT": _json(self._content()),
            "OPENCODE_ENABLE_QUESTION_TOOL": "1",
            "OPENCODE_SERVER_PASSWORD": self.password,
        }

    def _content(self) -> dict[str, Any]:
        key = f"{{file:{self.folder / 'token'}}}"
        providers = {
            _CATALOG_NAMES.get(provider.id, provider.id): self._real(provider, key)
            for provider in self.spec.providers
        }
        main = "/".join(catalog_model(self.spec.model))
        return {
            "$schema": "https://opencode.ai/config.json",
            "model": main,
            "small_model": main,
            "enabled_providers": [*providers, WARM_UP],
            "provider": providers,
            "autoupdate": False,
            "share": "disabled",
            "lsp": False,
            "formatter": False,
            # A session has its title from the hub; asking a model for one costs a call each time.
            "agent": {"title": {"disable": True}},
            "permission": self._permissions(),
            "mcp": self._servers(),
        }

    def _servers(self) -> dict[str, Any]:
        token, seconds = self.folder / "token", self.spec.tool_stall_seconds
        servers = {hub_tools.SERVER: hub_tools.server(self.doors_url, token, seconds)}
        if self.browser is not None:
            servers["browser"] = self.browser.server(self.account.home)
        return servers

    def _model(self, provider: str, model: str) -> dict[str, Any]:
        seeing = (provider, model) in self._seeing
        return {"tool_call": True, **(_SEEING if seeing else {})}

    def _real(self, provider: Provider, key: str) -> dict[str, Any]:
        _, path = _SDKS[provider.dialect]
        url = f"{self.doors_url}/models/{provider.id}/{path}"
        made = _provider(provider.id, provider.dialect, url, key, ())
        made["options"]["chunkTimeout"] = int(self.silence * 1000)
        return made

    def _permissions(self) -> dict[str, str]:
        # OpenCode's own defaults ask for these; the sandbox is the boundary, not the folder.
        allowed = {"external_directory": "allow", "doom_loop": "allow", "read": "allow"}
        allowed[f"{hub_tools.PREFIX}*"] = "allow"
        if self.browser is not None:
            allowed["browser_*"] = "allow"
        return {**allowed, **self.spec.permissions}

    def _write(self, name: str, text: str) -> None:
        """Put a file in place whole, so that OpenCode never reads half of one."""
        path = self.folder / name
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        self.account.own(draft)
        draft.replace(path)


def _provider(name: str, dialect: str, url: str, key: str, models: Iterable[str]) -> dict[str, Any]:
    npm, _ = _SDKS[dialect]
    return {
        "name": name,
        "npm": npm,
        "options": {"baseURL": url, "apiKey": key},
        "models": {model: {"tool_call": True} for model in models},
    }


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
