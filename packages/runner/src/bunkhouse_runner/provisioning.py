"""What a repository wants for its set-up: its own settings are shown to the hub, which decides.

The runner only carries them: what of the file counts, and what an admin says beside it, is the
hub's affair. What it decided is remembered, so that terminals which are opened again before the hub
is there have the environment too.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx2
import structlog

from bunkhouse_protocol.configuring import CONFIG, ConfigFile, SetUp
from bunkhouse_protocol.events import Problem
from bunkhouse_protocol.link import SessionSpec
from bunkhouse_runner.agents.base import Emit, Memory
from bunkhouse_runner.git import Git
from bunkhouse_runner.hub import Hub
from bunkhouse_runner.processes import Account
from bunkhouse_runner.set_up_commands import SetUpCommands

_log = structlog.get_logger("bunkhouse.runner.provisioning")

ASK_SECONDS = 30.0
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
_FILES = (b"100644", b"100755")
_VARIABLES = "environment"


class Provision:
    """Sets the sandbox up as the hub decides for its repository.

    `variables` is the environment of whatever runs as the agent's user, and is changed in place.
    """

    def __init__(
        self,
        hub: Hub,
        emit: Emit,
        memory: Memory,
        commands: SetUpCommands,
        *,
        git: Git,
        variables: dict[str, str],
        base: Callable[[], str | None],
    ) -> None:
        """`base`: the commit that the workspace began at."""
        self._hub = hub
        self._emit = emit
        self._memory = memory
        self._git = git
        self._base = base
        self._decided = SetUp()
        self.commands = commands
        self.variables = variables
        self.variables.update(json.loads(memory.get(_VARIABLES) or "{}"))

    @property
    def decided(self) -> SetUp:
        """What the hub decided; nothing, before it has."""
        return self._decided

    def begin_anew(self) -> None:
        """The workspace is made from the beginning: nothing was run in it yet."""
        self.commands.forget()

    async def decide(self, spec: SessionSpec) -> None:
        """Learn how the session is set up. The workspace is there."""
        decided = spec.set_up
        if decided is None and spec.repository is not None and spec.config_bytes:
            decided = await self._ask(await read(self._git, self._base(), spec.config_bytes))
        self._decided = decided or SetUp()
        self.variables.clear()
        self.variables.update(self._decided.environment)
        self._memory.set(_VARIABLES, json.dumps(self.variables) if self.variables else None)

    async def run(self) -> None:
        """Run the set-up commands, if they were not run in this workspace before."""
        await self.commands.run_once(self._decided)

    def run_again(self) -> Coroutine[Any, Any, None]:
        """Run them from the first one on, whatever became of them before. To be awaited."""
        self.commands.want()
        return self.commands.run(self._decided)

    async def _ask(self, file: ConfigFile) -> SetUp:
        pause = FIRST_PAUSE
        async with self._hub.http_client(timeout=ASK_SECONDS) as client:
            while True:
                why = "it does not answer"
                try:
                    answer = await client.post("/settings", json=file.model_dump(mode="json"))
                    if answer.is_success:
                        return SetUp.model_validate_json(answer.content)
                    why = f"it answers {answer.status_code}"
                    if answer.status_code < 500:
                        break
                except httpx2.HTTPError as error:
                    why = str(error)
                except ValueError:
                    break
                _log.info("settings_not_taken", why=why)
                await asyncio.sleep(pause)  # the hub restarts, or its store is full for now
                pause = min(LONGEST_PAUSE, pause * 2)
        self._emit(
            Problem(
                code="settings_not_taken",
                message="The hub did not take the repository's own settings; it goes on without.",
                detail=why,
            )
        )
        return SetUp()


async def read(git: Git, commit: str | None, limit: int) -> ConfigFile:
    """Read the repository's own settings as they are at a commit, up to `limit` bytes."""
    if commit is None:
        return ConfigFile()
    listed = await git.run("ls-tree", "-z", commit, "--", CONFIG)
    entry = listed.out.split(b"\0")[0].partition(b"\t")[0].split(b" ")
    if listed.status != 0 or len(entry) != 3:
        return ConfigFile()
    mode, kind, name = entry
    if kind != b"blob" or mode not in _FILES:
        return ConfigFile(trouble="no_file")
    found = await git.run("cat-file", "blob", name.decode(), limit=limit)
    if len(found.out) > limit:
        return ConfigFile(trouble="too_large")
    try:
        return ConfigFile(text=found.out.decode())
    except UnicodeDecodeError:
        return ConfigFile(trouble="no_text")


def of(
    hub: Hub,
    emit: Emit,
    memory: Memory,
    *,
    as_runner: Account,
    as_agent: Account,
    workspace: Path,
    variables: dict[str, str],
    keep_text: Callable[[bytes], str],
    base: Callable[[], str | None],
) -> Provision:
    """Put one together. `as_agent` has the `variables`; `as_runner`, for our own git, has none."""
    commands = SetUpCommands(emit, memory, as_agent, workspace, keep_text)
    git = Git(workspace, as_runner)
    return Provision(hub, emit, memory, commands, git=git, variables=variables, base=base)
