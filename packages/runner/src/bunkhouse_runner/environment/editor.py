"""VS Code (code-server), on a Unix socket of the agent's."""

import asyncio
from pathlib import Path
from typing import Any

from bunkhouse_protocol.events import ServiceName
from bunkhouse_protocol.gateway import EditorSettings, ServiceStart
from bunkhouse_runner import processes
from bunkhouse_runner.environment import editor_settings, http_check
from bunkhouse_runner.environment.folders import write_file
from bunkhouse_runner.environment.service import Service, Streams

PROGRAM = ("code-server",)
CONFIGURATION = Path("/etc/bunkhouse")
"""Holds `code-server.yaml` and `editor.json`, the settings that all begin with."""
EXTENSIONS = Path("/opt/bunkhouse/extensions")
"""Extensions (`*.vsix`) that the editor gets when it is first started."""
INSTALL_SECONDS = 120.0
_NO_GALLERY = {"EXTENSIONS_GALLERY": "{}"}
"""One without an address: code-server then asks none, and neither does a person's browser."""


class Editor(Service):
    """The editor's program and its settings."""

    name: ServiceName = "editor"
    program: tuple[str, ...] = PROGRAM
    configuration = CONFIGURATION
    extensions = EXTENSIONS

    async def begin(self, request: ServiceStart) -> None:
        """Lay the settings out, install the image's extensions once, start and wait."""
        self.tell("Preparing your settings", 0.1)
        own = self.settings().settings if request.settings is None else request.settings
        write_file(self._file, editor_settings.laid_over(self._defaults(), own), self.account)
        await self._install()
        self.tell("Starting VS Code", 0.3)
        self._socket.unlink(missing_ok=True)
        options = ["--socket", str(self._socket), "--socket-mode", "600", "--ignore-last-opened"]
        surroundings = {} if request.gallery else _NO_GALLERY
        await self.run(*self._command(), *options, str(self.workspace), env=surroundings)
        await self.until(self._answers)

    def _command(self) -> list[str]:
        configuration = str(self.configuration / "code-server.yaml")
        return [*self.program, "--config", configuration, "--user-data-dir", str(self._data)]

    async def _install(self) -> None:
        mark = self._data / "bunkhouse-extensions"
        found = sorted(self.extensions.glob("*.vsix"))
        if not found or mark.exists():
            return
        self.tell("Installing extensions", 0.2)
        arguments = [part for path in found for part in ("--install-extension", str(path))]
        installer = await self.run(*self._command(), *arguments)
        done, _ = await asyncio.wait(
            {asyncio.create_task(installer.wait())}, timeout=INSTALL_SECONDS
        )
        await processes.end(installer)
        self._running.remove(installer)
        if done and installer.returncode == 0:  # else without them; tried again next time
            write_file(mark, "", self.account)

    async def _answers(self) -> bool:
        # The page itself and not its health: VS Code's server is loaded by the first who asks.
        reader, writer = await self.connect()
        return await http_check.answers(reader, writer, f"/?folder={self.workspace}", "localhost")

    async def connect(self) -> Streams:
        """Open a stream to its HTTP server."""
        return await asyncio.open_unix_connection(self._socket)

    def settings(self) -> EditorSettings:
        """Return what its settings file says now and the defaults do not."""
        found = editor_settings.read(self._file)
        return EditorSettings(settings=editor_settings.differing(self._defaults(), found))

    @property
    def _socket(self) -> Path:
        return self.folder / "editor.sock"

    @property
    def _data(self) -> Path:
        return self.account.home / ".local/share/code-server"

    @property
    def _file(self) -> Path:
        return self._data / "User/settings.json"

    def _defaults(self) -> dict[str, Any]:
        return editor_settings.read(self.configuration / "editor.json")
