"""What runs in a session's sandbox beside the agent, as people use it."""

from bunkhouse.people.identity import Person
from bunkhouse.sessions import sandbox_gateway
from bunkhouse.sessions.editor_settings import EditorSettings
from bunkhouse.sessions.reaching import Reaching
from bunkhouse.sessions.usage import Usage
from bunkhouse_protocol.events import ServiceName
from bunkhouse_protocol.gateway import Services, ServiceStart, ServiceStatus, Terminal, Terminals


class Environment:
    """Services and terminals of sandboxes.

    Every method raises `NotFound` where there is no such session, `SandboxNotRunning` where its
    sandbox does not run, and `UpstreamFailed` where the sandbox could not do it.
    """

    def __init__(
        self,
        reaching: Reaching,
        settings: EditorSettings,
        usage: Usage | None = None,
        *,
        gallery: bool = True,
    ) -> None:
        """`gallery`: whether sandboxes may reach the editor's gallery of extensions."""
        self._reaching = reaching
        self._usage = usage or Usage()
        self._editor_settings = settings
        self._gallery = gallery

    async def set_up_again(self, session_id: str) -> None:
        """Have the repository's set-up commands run again; events tell of them.

        Raises:
            Conflict: the sandbox is at work, or its repository has no such commands.
        """
        socket = await self._reaching.socket(session_id, "gateway")
        self._usage.touch(session_id)
        await sandbox_gateway.set_up(socket)

    async def services(self, session_id: str) -> Services:
        """What runs, what it costs, and what listens."""
        return await sandbox_gateway.services(await self._reaching.socket(session_id, "gateway"))

    async def start_service(
        self, session_id: str, name: ServiceName, person: Person
    ) -> ServiceStatus:
        """Start the editor (with the person's own settings) or the desktop; once it is ready."""
        socket = await self._reaching.socket(session_id, "gateway")
        self._usage.touch(session_id)
        if name != "editor":
            return await sandbox_gateway.start_service(socket, name, ServiceStart())
        async with self._editor_settings.laid(session_id, person) as settings:
            start = ServiceStart(settings=settings, gallery=self._gallery)
            return await sandbox_gateway.start_service(socket, name, start)

    async def stop_service(self, session_id: str, name: ServiceName) -> None:
        """Stop it; of the editor the settings are kept first."""
        socket = await self._reaching.socket(session_id, "gateway")
        if name == "editor":
            await self._editor_settings.keep(session_id)
        await sandbox_gateway.stop_service(socket, name)

    async def terminals(self, session_id: str) -> Terminals:
        """Its terminals."""
        return await sandbox_gateway.terminals(await self._reaching.socket(session_id, "gateway"))

    async def open_terminal(self, session_id: str) -> Terminal:
        """One more."""
        socket = await self._reaching.socket(session_id, "gateway")
        self._usage.touch(session_id)
        return await sandbox_gateway.open_terminal(socket)

    async def end_terminal(self, session_id: str, terminal_id: str) -> None:
        """End one.

        Raises:
            NotFound: there is no such terminal.
        """
        socket = await self._reaching.socket(session_id, "gateway")
        await sandbox_gateway.end_terminal(socket, terminal_id)
