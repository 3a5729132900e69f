"""The process `opencode serve`: started as the agent's user, watched, ended with all below it."""

import asyncio
import re
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bunkhouse_runner import processes
from bunkhouse_runner.errors import AgentFailed
from bunkhouse_runner.processes import Account

_LISTENING = re.compile(rb"listening on (http://\S+)")
_START_SECONDS = 60.0
_SAID_BYTES = 4000
_LAST_WORDS_SECONDS = 1.0


def find_binary(name: str = "opencode") -> str:
    """Return the program to run: npm's launcher is left out where the native one is beside it."""
    launcher = shutil.which(name)
    if launcher is None:
        return name
    modules = Path(launcher).resolve().parent.parent.parent
    found = [
        *modules.glob("opencode-linux-*/bin/opencode"),
        *modules.glob("opencode-ai/node_modules/opencode-linux-*/bin/opencode"),
    ]
    exact = [path for path in found if "baseline" not in str(path) and "musl" not in str(path)]
    return str(exact[0]) if exact else launcher


class Server:
    """One OpenCode server at a time. `url` is where it listens while it is `running`."""

    def __init__(self, binary: str, account: Account, port: int) -> None:
        self._binary = binary
        self._account = account
        self._port = port
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._said = b""
        self.url = ""
        self.started_at = 0.0
        """When it was started, by the monotonic clock."""

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """The process's id, which is also that of its process group."""
        if self._process is None:
            raise AgentFailed("agent_failed", "The agent is not running.")
        return self._process.pid

    async def start(self, environment: Mapping[str, str], on_death: Callable[[], None]) -> None:
        """Start it and wait until it listens; `on_death` is called when it ends by itself.

        Raises `AgentFailed` where it can't be started or does not come up. It starts in its
        user's home, and is told the workspace with each call: the workspace may not be there yet.
        """
        argv = [self._binary, "serve", "--hostname", "127.0.0.1", "--port", str(self._port)]
        self._said = b""
        try:
            process = await processes.start(
                argv,
                self._account,
                cwd=self._account.home,
                env=environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        except OSError as error:
            raise AgentFailed(
                "agent_failed",
                "The agent (OpenCode) could not be started.",
                remedy="Build the sandbox image anew: it should contain OpenCode.",
                detail=f"{self._binary}: {error}",
            ) from error
        self._process = process
        self.started_at = time.monotonic()
        listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._watch = asyncio.create_task(self._follow(process, listening, on_death))
        try:
            self.url = await asyncio.wait_for(listening, _START_SECONDS)
        except (TimeoutError, EOFError) as error:
            await self.stop()
            raise AgentFailed(
                "agent_failed",
                "The agent (OpenCode) did not come up.",
                remedy="Try again; its own words are in the details.",
                detail=self._said.decode(errors="replace").strip(),
            ) from error
        except asyncio.CancelledError:
            await self.stop()
            raise

    async def stop(self, grace: float = 2.0) -> None:
        """End the process and all that it runs. Nothing happens when it does not run."""
        watch, process = self._watch, self._process
        self._watch, self._process = None, None
        if process is not None:
            await processes.end(process, grace)
        if watch is not None:
            await watch

    async def _follow(
        self,
        process: asyncio.subprocess.Process,
        listening: asyncio.Future[str],
        on_death: Callable[[], None],
    ) -> None:
        # Its commands may hold its output open for longer than it lives.
        reading = asyncio.create_task(self._read(process, listening))
        await process.wait()
        if listening.done() and process is self._process:
            on_death()
        await asyncio.wait({reading}, timeout=_LAST_WORDS_SECONDS)
        reading.cancel()
        if not listening.done():
            listening.set_exception(EOFError())

    async def _read(
        self, process: asyncio.subprocess.Process, listening: asyncio.Future[str]
    ) -> None:
        while process.stdout is not None and (data := await process.stdout.read(4096)):
            self._said = (self._said + data)[-_SAID_BYTES:]
            found = _LISTENING.search(self._said)
            if found and not listening.done():
                listening.set_result(found.group(1).decode())
