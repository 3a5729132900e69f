"""The port between the runner and what runs beside the agent: the editor, the desktop, the ports.

`environment.Environment` fills it in a sandbox. `Bare` is one without services, where only ports
can be reached.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from bunkhouse_protocol.events import ServiceName
from bunkhouse_protocol.gateway import EditorSettings, Services, ServiceStart, ServiceStatus
from bunkhouse_protocol.places import OWN_PORTS
from bunkhouse_runner.agents.base import Emit
from bunkhouse_runner.errors import RunnerError, StreamRefused
from bunkhouse_runner.processes import Account

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
HIGHEST_PORT = 65535


class Surroundings(Protocol):
    """What runs in the sandbox beside the agent. Raises RunnerError, and Unknown for a name."""

    async def start(self) -> None:
        """Begin to look after ports and services; nothing is started that nobody asked for."""
        ...

    async def close(self) -> None:
        """End the services."""
        ...

    def set_idle(self, seconds: float) -> None:
        """Say how long a service may be unused before it is stopped."""
        ...

    async def start_service(self, name: ServiceName, request: ServiceStart) -> ServiceStatus:
        """Start a service, if it does not run; return when it is ready."""
        ...

    async def stop_service(self, name: ServiceName) -> None:
        """Stop a service; return when it has ended."""
        ...

    async def status(self) -> Services:
        """Say what runs, what listens, and what it costs."""
        ...

    def editor_settings(self) -> EditorSettings:
        """Return a person's settings of the editor, without the defaults."""
        ...

    def stream(self, target: str) -> AbstractAsyncContextManager[Streams]:
        """Open a stream to `editor`, `desktop` or a port. Raises StreamRefused."""
        ...


MakeSurroundings = Callable[[Emit, Account, Path], Surroundings]
"""Makes them for an account and its workspace; `Emit` takes their events."""


class Bare:
    """Surroundings without services."""

    def __init__(self, emit: Emit, account: Account, workspace: Path) -> None:
        del emit, account, workspace

    async def start(self) -> None:
        """Nothing to look after."""

    async def close(self) -> None:
        """Nothing to end."""

    def set_idle(self, seconds: float) -> None:
        """Nothing to stop."""

    async def start_service(self, name: ServiceName, request: ServiceStart) -> ServiceStatus:
        """Refuse."""
        raise RunnerError("no_services", f"There is no {name} in this sandbox.")

    async def stop_service(self, name: ServiceName) -> None:
        """Nothing to stop."""

    async def status(self) -> Services:
        """Say that nothing runs."""
        names: tuple[ServiceName, ...] = ("editor", "desktop")
        stopped = [ServiceStatus(name=name, state="stopped") for name in names]
        return Services(services=stopped, ports=[])

    def editor_settings(self) -> EditorSettings:
        """Return none."""
        return EditorSettings(settings={})

    @contextlib.asynccontextmanager
    async def stream(self, target: str) -> AsyncGenerator[Streams]:
        """Open a stream to a port."""
        if target in ("editor", "desktop"):
            raise StreamRefused("not_running", f"There is no {target} in this sandbox.")
        if not target.isdecimal() or not 0 < int(target[:6]) <= HIGHEST_PORT:
            raise StreamRefused("not_allowed", "That is no port.")
        if int(target) in OWN_PORTS:
            raise StreamRefused("not_allowed", f"Port {target} is Bunkhouse's own.")
        reader, writer = await _connect(int(target))
        try:
            yield reader, writer
        finally:
            writer.close()


async def _connect(port: int) -> Streams:
    for address in ("127.0.0.1", "::1"):
        with contextlib.suppress(OSError):
            return await asyncio.open_connection(address, port)
    raise StreamRefused("not_listening", f"Nothing listens on port {port}.")
