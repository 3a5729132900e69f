"""A real OpenCode with the bridge on one side and a scripted model on the other."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bunkhouse_protocol.events import Event
from bunkhouse_protocol.link import Provider, SessionSpec
from bunkhouse_runner.agents.base import AgentContext, TurnResult
from bunkhouse_runner.agents.opencode import Limits, OpenCode
from bunkhouse_runner.agents.opencode.browser import BrowserTools
from bunkhouse_runner.pictures import name_of
from bunkhouse_runner.processes import Account

from .. import ends
from .between import Between
from .model_server import ModelServer, Reply
from .reader import AnyEvent, Reader

MODEL = "demo/m1"
TOKEN = "the-sandbox-token"
PATIENCE = 90.0
Permissions = dict[str, Literal["allow", "ask", "deny"]]
ASKING: Permissions = {"skill": "ask", "webfetch": "ask"}


class Notes:
    """The agent's memory: survives it, as the runner's does."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        return self.kept.get(key)

    def set(self, key: str, value: str | None) -> None:
        if value is None:
            self.kept.pop(key, None)
        else:
            self.kept[key] = value


def repository(folder: Path) -> None:
    """Make a git repository with one commit."""
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").write_text("alpha\nbeta\ngamma\n")
    git = ["git", "-C", str(folder), "-c", "user.name=T", "-c", "user.email=t@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "First"]):
        subprocess.run([*git, *arguments], check=True)


def spec(permissions: Permissions | None = None) -> SessionSpec:
    return SessionSpec(
        session_id="s1",
        repository=None,
        model=MODEL,
        providers=[
            Provider(id="demo", dialect="openai", models=["m1"]),
            Provider(id="openai", dialect="openai"),
            Provider(id="anthropic", dialect="anthropic"),
            Provider(id="gemini", dialect="gemini"),
        ],
        author_name="T",
        author_email="t@example.org",
        permissions=permissions or {},
    )


@dataclass(kw_only=True)
class Bench(Reader):
    """One agent with its workspace; `events` is what it emitted since the last `turn` began."""

    model: ModelServer
    account: Account
    workspace: Path
    binary: str
    port: int
    between: Between
    limits: Limits = field(default_factory=Limits)
    browser: BrowserTools | None = None
    kept: dict[str, bytes] = field(default_factory=dict[str, bytes])
    notes: Notes = field(default_factory=Notes)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.agent = self.new_agent()

    def new_agent(self, binary: str | None = None) -> OpenCode:
        context = AgentContext(
            emit=self._emit,
            memory=self.notes,
            account=self.account,
            doors_url=f"{self.model.url}/sandbox",
            token=TOKEN,
            keep=self._keep,
            keep_text=self._keep,
        )
        return OpenCode(
            context,
            binary=binary or self.binary,
            port=self.port,
            limits=self.limits,
            browser=self.browser,
        )

    async def up(self, permissions: Permissions = ASKING) -> None:
        await self.agent.start(spec(permissions), self.workspace)
        await self.agent.begin()

    @staticmethod
    def running(command: str) -> list[int]:
        """The processes whose command lines match this pattern."""
        found = subprocess.run(["pgrep", "-f", command], capture_output=True, check=False)
        return [int(pid) for pid in found.stdout.split()]

    async def gone(self, command: str) -> None:
        """Wait until the last such process is gone: what was killed takes a moment to die."""
        async with asyncio.timeout(PATIENCE):
            while pids := self.running(command):
                await asyncio.gather(*map(ends.gone, pids))

    def signal(self, number: signal.Signals) -> None:
        """Send OpenCode's process a signal, as the kernel does when memory is short."""
        found = subprocess.run(
            ["pgrep", "-f", f"serve .*--port {self.port}$"],
            capture_output=True,
            text=True,
            check=True,
        )
        os.kill(int(found.stdout), number)

    def prompt(
        self, *replies: Reply, text: str = "Hello", model: str = MODEL, turn_id: str = "t1"
    ) -> "asyncio.Task[TurnResult]":
        """Begin a turn with these replies of the model."""
        self.model.script(*replies)
        self.events.clear()
        return asyncio.create_task(self.agent.prompt(turn_id, text, model))

    async def turn(
        self, *replies: Reply, text: str = "Hello", model: str = MODEL, turn_id: str = "t1"
    ) -> TurnResult:
        """Run a turn to its end."""
        turn = self.prompt(*replies, text=text, model=model, turn_id=turn_id)
        return await asyncio.wait_for(turn, PATIENCE)

    async def until(
        self, kind: type[AnyEvent], condition: Callable[[AnyEvent], bool] = lambda _: True
    ) -> AnyEvent:
        """Wait for an event since the turn began."""
        async with asyncio.timeout(PATIENCE):
            while True:
                self._more.clear()
                for event in self.events:
                    if isinstance(event, kind) and condition(event):
                        return event
                await self._more.wait()

    async def until_text(self, text: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while text not in "\n".join(self.said()):
                self._more.clear()
                await self._more.wait()

    def _keep(self, data: bytes) -> str:
        self.kept[name_of(data)] = data
        return name_of(data)

    def _emit(self, event: Event) -> None:
        self.events.append(event)
        self._more.set()
