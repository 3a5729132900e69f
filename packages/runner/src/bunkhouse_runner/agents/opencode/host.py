"""OpenCode's process as the agent has it: configured, warmed up, reachable by a client."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from bunkhouse_protocol.link import SessionSpec
from bunkhouse_runner.agents.base import AgentContext
from bunkhouse_runner.agents.opencode import groups, parts
from bunkhouse_runner.agents.opencode.browser import BrowserTools
from bunkhouse_runner.agents.opencode.client import Client, Refused, Unreachable
from bunkhouse_runner.agents.opencode.config import WARM_UP, Configuration, catalog_model
from bunkhouse_runner.agents.opencode.limits import Limits
from bunkhouse_runner.agents.opencode.server import Server
from bunkhouse_runner.agents.opencode.tools import Json
from bunkhouse_runner.agents.opencode.warmup import warm_up_model
from bunkhouse_runner.errors import AgentFailed


class Host:
    """Starts OpenCode, and starts it again; `on_death` is called when it ends by itself."""

    def __init__(
        self,
        context: AgentContext,
        server: Server,
        limits: Limits,
        on_death: Callable[[], None],
        browser: BrowserTools | None,
    ) -> None:
        self._context = context
        self._server = server
        self._limits = limits
        self._on_death = on_death
        self._browser = browser
        self._password = secrets.token_urlsafe(24)
        self._configuration: Configuration | None = None
        self._workspace = Path("/")
        self._client: Client | None = None
        self._warming: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self.project_config = True
        """Whether the repository's own OpenCode configuration is read."""

    @property
    def client(self) -> Client:
        """Calls to the running OpenCode, about the workspace."""
        if self._client is None:
            raise AgentFailed("agent_failed", "The agent (OpenCode) is not running.")
        return self._client

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._server.running

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._server.pid

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._server.started_at

    def offers(self, model: str) -> bool:
        """Whether the session has the provider of a `provider/model`."""
        providers = self._configured().spec.providers
        return model.partition("/")[0] in {provider.id for provider in providers}

    async def start(self, spec: SessionSpec, workspace: Path) -> None:
        """Start OpenCode and, in the background, spend its slow first turn."""
        self._workspace = workspace
        self._configuration = Configuration(
            account=self._context.account,
            doors_url=self._context.doors_url,
            token=self._context.token,
            spec=spec,
            password=self._password,
            browser=self._browser,
            silence=self._limits.silence,
        )
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._warming = asyncio.create_task(self._warm_up(self._configuration, started))
        await started

    async def warmed_up(self) -> None:
        """Wait until the first turn is spent."""
        warming, self._warming = self._warming, None
        if warming is not None:
            await warming
            self._configured().write()

    async def up(self) -> None:
        """Make sure that OpenCode runs."""
        async with self._starting:
            if self._server.running:
                return
            await self._disconnect()
            environment = self._configured().environment()
            if not self.project_config:
                environment["OPENCODE_DISABLE_PROJECT_CONFIG"] = "1"
            await self._server.start(environment, self._on_death)
            self._client = Client(self._server.url, self._password, self._workspace)

    async def declare(self, model: str) -> bool:
        """Make a model known; True when OpenCode had to read its configuration anew."""
        if not self._configured().declare(model):
            return False
        await self._read_anew()
        return True

    async def reads_pictures(self, model: str) -> bool | None:
        """Whether a model does; None where OpenCode's catalogue does not know it."""
        return _reads_pictures(await self.client.model(*catalog_model(model)))

    async def show_pictures(self, model: str) -> None:
        """Have OpenCode pass pictures on to a model that it does not know."""
        self._configured().show_pictures(model)
        await self._read_anew()

    async def _read_anew(self) -> None:
        self._configured().write()
        await self.client.dispose()

    async def clear_up(self, since: float) -> None:
        """End what an OpenCode that died left running of what it began after `since`."""
        mark = f"OPENCODE_SERVER_PASSWORD={self._password}"
        await groups.end(groups.groups_with(mark, since), 0)

    async def stop(self, grace: float = 2.0) -> None:
        """End the process and all that it runs."""
        await self._disconnect()
        await self._server.stop(grace)

    async def close(self) -> None:
        """End everything."""
        warming, self._warming = self._warming, None
        if warming is not None:
            warming.cancel()
            await asyncio.gather(warming, return_exceptions=True)
        await self.stop()

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _warm_up(self, configuration: Configuration, started: "asyncio.Future[None]") -> None:
        """Start the process, and spend its first turn on a model that is no model."""
        try:
            async with warm_up_model() as url:
                configuration.warm_up_url = url
                configuration.write()
                await self.up()
                started.set_result(None)
                with contextlib.suppress(TimeoutError, Refused, Unreachable):
                    async with asyncio.timeout(self._limits.warm_up):
                        await self._throwaway_turn(configuration)
        except Exception as problem:
            if started.done():
                raise
            started.set_exception(problem)
        finally:
            configuration.warm_up_url = None

    async def _throwaway_turn(self, configuration: Configuration) -> None:
        """Run a turn in a folder of its own, and see whether the session's model is known.

        The workspace is not there yet, and what OpenCode knows of a folder (that it is a git
        repository) it finds out once.
        """
        client = Client(self._server.url, self._password, configuration.warm_folder())
        model = configuration.spec.model
        try:
            if _reads_pictures(await client.model(*catalog_model(model))) is None:
                configuration.show_pictures(model)  # written before the workspace is opened
            session = await client.create_session("Warm-up")
            await client.prompt(session, [parts.of_text("Say ok.")], (WARM_UP, WARM_UP))
            await client.delete_session(session)
            await client.dispose()
        finally:
            await client.close()

    def _configured(self) -> Configuration:
        if self._configuration is None:
            raise AgentFailed("agent_failed", "The agent was not started.")
        return self._configuration


def _reads_pictures(known: Json) -> bool | None:
    if known and known["capabilities"]["input"]["image"]:
        return True
    # What is declared without being in the catalogue has no date.
    return False if known.get("release_date") else None
