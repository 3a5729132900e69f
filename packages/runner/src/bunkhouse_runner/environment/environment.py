"""The environment of a session: its services, its ports, and the ways to them."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from bunkhouse_protocol.events import PortsChanged, ServiceChanged, ServiceName
from bunkhouse_protocol.gateway import EditorSettings, Services, ServiceStart, ServiceStatus
from bunkhouse_protocol.places import BROWSER_INNER_PORT, BROWSER_PORT, OWN_PORTS
from bunkhouse_runner.agents.base import Emit
from bunkhouse_runner.environment.desktop import Desktop
from bunkhouse_runner.environment.editor import Editor
from bunkhouse_runner.environment.memory import Memory
from bunkhouse_runner.environment.ports import Ports
from bunkhouse_runner.environment.service import Service, Streams
from bunkhouse_runner.errors import RunnerError, StreamRefused, Unknown
from bunkhouse_runner.hub import join
from bunkhouse_runner.processes import Account

_log = structlog.get_logger("bunkhouse.runner.environment")

_LOOPBACKS = ("127.0.0.1", "::1")
HIGHEST_PORT = 65535

MARKER = "environment-ran"
"""A file that is there while a runner runs, and after one that was killed."""


class Environment:
    """What runs beside the agent. `surroundings.Surroundings` describes it."""

    def __init__(self, emit: Emit, account: Account, workspace: Path) -> None:
        self._emit = emit
        self._desktop = Desktop(emit, account, workspace)
        self._editor = Editor(emit, account, workspace)
        self._services: dict[str, Service] = {"editor": self._editor, "desktop": self._desktop}
        self._ports = Ports(emit, account)
        self._watching: asyncio.Task[None] | None = None
        self._activation: asyncio.Server | None = None
        self._joined: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Watch the ports, and wait for somebody who wants the browser."""
        self._forget_earlier_run()
        self._watching = asyncio.create_task(self._ports.watch())
        with contextlib.suppress(OSError):  # taken: whoever has it serves it
            self._activation = await asyncio.start_server(
                self._activated, "127.0.0.1", BROWSER_PORT
            )

    async def close(self) -> None:
        """End the services."""
        if self._activation is not None:
            self._activation.close()
        tasks = [*self._joined, *([self._watching] if self._watching else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(service.close() for service in self._services.values()))
        (self._editor.folder / MARKER).unlink(missing_ok=True)

    def set_idle(self, seconds: float) -> None:
        """Say how long a service may be unused before it is stopped."""
        for service in self._services.values():
            service.idle_seconds = seconds

    async def start_service(self, name: ServiceName, request: ServiceStart) -> ServiceStatus:
        """Start a service, if it does not run; return when it is ready.

        Raises:
            RunnerError: it could not be started.
        """
        return await self._service(name).start(request)

    async def stop_service(self, name: ServiceName) -> None:
        """Stop a service; return when it has ended."""
        await self._service(name).stop("Somebody stopped it.")

    async def status(self) -> Services:
        """Say what runs, what listens, and what it costs."""
        memory = await asyncio.to_thread(Memory)
        counted: set[int] = set()
        shown: list[ServiceStatus] = []
        for service in self._services.values():
            own = memory.below(service.processes)
            counted |= own
            shown.append(service.status().model_copy(update={"memory": memory.held(own)}))
        terminals = memory.terminals()
        return Services(
            services=shown,
            ports=self._ports.ports,
            agent_memory=memory.held(memory.rest(counted | terminals)),
            terminals_memory=memory.held(terminals),
        )

    def editor_settings(self) -> EditorSettings:
        """Return a person's settings of the editor, without the defaults."""
        return self._editor.settings()

    @asynccontextmanager
    async def stream(self, target: str) -> AsyncGenerator[Streams]:
        """Open a stream to `editor`, `desktop` or a port. Raises StreamRefused."""
        if target in self._services:
            async with self._services[target].stream() as streams:
                yield streams
            return
        if not target.isdecimal() or not 0 < int(target[:6]) <= HIGHEST_PORT:
            raise StreamRefused("not_allowed", "That is no port.")
        if int(target) in OWN_PORTS:
            raise StreamRefused("not_allowed", f"Port {target} is Bunkhouse's own.")
        reader, writer = await _connect(int(target))
        try:
            yield reader, writer
        finally:
            writer.close()

    def _service(self, name: str) -> Service:
        try:
            return self._services[name]
        except KeyError:
            raise Unknown("unknown_service", f"There is no service {name}.") from None

    def _forget_earlier_run(self) -> None:
        """A runner that was killed could not say that its services ended with it."""
        marker = self._editor.folder / MARKER
        if marker.exists():
            for service in self._services.values():
                self._emit(ServiceChanged(name=service.name, state="stopped"))
            self._emit(PortsChanged(ports=[]))
        marker.touch()

    async def _activated(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a callback of start_server runs as a task
        self._joined.add(task)
        try:
            await self._desktop.start(ServiceStart())
            with self._desktop.used():
                far = await asyncio.open_connection("127.0.0.1", BROWSER_INNER_PORT)
                await join((reader, writer), far)
        except (RunnerError, OSError) as error:
            _log.info("browser_not_reached", error=str(error))
            writer.transport.abort()
        finally:
            self._joined.discard(task)


async def _connect(port: int) -> Streams:
    for address in _LOOPBACKS:
        with contextlib.suppress(OSError):
            return await asyncio.open_connection(address, port)
    raise StreamRefused("not_listening", f"Nothing listens on port {port}.")
