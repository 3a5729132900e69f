"""The sandbox's terminals: opened, listed, looked at, ended."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import structlog

from bunkhouse_protocol.gateway import Terminal
from bunkhouse_runner import processes
from bunkhouse_runner.errors import RunnerError
from bunkhouse_runner.processes import Account
from bunkhouse_runner.terminals import shelf, tmux
from bunkhouse_runner.terminals.screen import Screen
from bunkhouse_runner.terminals.shelf import Kept, Memory
from bunkhouse_runner.terminals.tmux import Tmux
from bunkhouse_runner.terminals.viewer import Viewer

_log = structlog.get_logger("bunkhouse.runner.terminals")

TERMINALS_AT_ONCE = 20
ROWS, COLS = 24, 80
"""Until somebody looks."""


class Terminals:
    """All terminals of a sandbox. `server` says which tmux server (`-L name` or `-S path`)."""

    def __init__(
        self,
        account: Account,
        workspace: Path,
        *,
        server: Sequence[str] = tmux.SERVER,
        config: str = tmux.CONFIG,
    ) -> None:
        self._workspace = workspace
        self._account = account
        self._home = account.home
        self._tmux = Tmux(account, server=server, config=config)
        self._screens: dict[str, Screen] = {}
        self._attaching = asyncio.Lock()
        self._last = 0

    async def list(self) -> list[Terminal]:
        """Return the terminals, in the order in which they were opened."""
        return [self._told(session) for session in await self._tmux.sessions()]

    async def create(self) -> Terminal:
        """Open a terminal in the workspace. Raises RunnerError."""
        async with self._attaching:
            sessions = await self._tmux.sessions()
            if len(sessions) >= TERMINALS_AT_ONCE:
                raise RunnerError(
                    "too_many_terminals",
                    f"There are {TERMINALS_AT_ONCE} terminals already.",
                    remedy="Close one that is not needed.",
                )
            # Not the number of one that ended: somebody may still look at its last words.
            numbers = [int(session.id[1:]) for session in sessions]
            self._last = max(self._last, *numbers, 0) + 1
            cwd = self._workspace if self._workspace.is_dir() else self._home
            await self._tmux.new(f"t{self._last}", cwd, ROWS, COLS)
            return self._told(await self._session(f"t{self._last}"))

    async def delete(self, terminal_id: str) -> None:
        """End a terminal and what runs in it. Raises Unknown."""
        await self._session(terminal_id)
        await self._tmux.kill(terminal_id)

    @contextlib.asynccontextmanager
    async def looking(
        self, terminal_id: str, rows: int, cols: int
    ) -> AsyncGenerator[tuple[Screen, Viewer]]:
        """Look at a terminal while the block runs. Raises Unknown, TerminalFailed."""
        viewer = Viewer(rows, cols)
        # One at a time: the first attaches, and the last to leave detaches.
        async with self._attaching:
            screen = self._screens.get(terminal_id)
            if screen is None or screen.ended:
                session = await self._session(terminal_id)
                process = await self._tmux.control(terminal_id)
                screen = Screen(process, session.pane)
                self._screens[terminal_id] = screen
            screen.join(viewer)
        try:
            yield screen, viewer
        finally:
            screen.leave(viewer)
            if not screen.viewers:
                await asyncio.shield(self._detach(terminal_id, screen))

    async def exists(self, terminal_id: str) -> bool:
        """Whether there is such a terminal (still)."""
        return any(session.id == terminal_id for session in await self._tmux.sessions())

    async def put_down(self, memory: Memory) -> None:
        """End all terminals, so that `take_up` can open them again as they look now."""
        kept: list[Kept] = []
        folder = self._home / shelf.FOLDER
        sessions = await self._tmux.sessions()
        if sessions:
            await self._make(folder)
        for session in sessions:
            found = await self._tmux.describe(session)
            if found is not None:
                await self._tmux.write(session, folder / session.id)
                kept.append(found)
        shelf.put(memory, kept)
        await self.close()
        if sessions:
            await self._tmux.end()

    async def take_up(self, memory: Memory) -> None:
        """Open those again that were put down. Each as far as it can be: none is in the way."""
        kept = shelf.take(memory)
        there = {session.id for session in await self._tmux.sessions()} if kept else set[str]()
        for one in kept:
            if one.id in there:
                continue
            text = str(self._home / shelf.FOLDER / one.id)
            show = ("sh", "-c", shelf.SHOW, "sh", text, shelf.WORDS)
            # Where the folder is gone, tmux begins in the home.
            try:
                await self._tmux.new(one.id, Path(one.cwd), one.rows, one.cols, show)
            except RunnerError as error:
                _log.warning("terminal_not_opened_again", terminal=one.id, error=str(error))

    async def _make(self, folder: Path) -> None:
        """Make a folder as the agent's user: root would follow any link that stands there."""
        argv = ["mkdir", "-p", "-m", "700", str(folder)]
        process = await processes.start(argv, self._account, cwd=Path("/"))
        await process.wait()

    async def close(self) -> None:
        """Detach from all terminals; they go on by themselves."""
        for terminal_id, screen in list(self._screens.items()):
            await self._detach(terminal_id, screen)

    async def _detach(self, terminal_id: str, screen: Screen) -> None:
        async with self._attaching:
            if screen.viewers and not screen.ended:
                return  # somebody came meanwhile
            if self._screens.get(terminal_id) is screen:
                del self._screens[terminal_id]
        await screen.close()

    async def _session(self, terminal_id: str) -> tmux.Session:
        for session in await self._tmux.sessions():
            if session.id == terminal_id:
                return session
        raise tmux.unknown(terminal_id)

    def _told(self, session: tmux.Session) -> Terminal:
        screen = self._screens.get(session.id)
        viewers = len(screen.viewers) if screen is not None else 0
        return Terminal(id=session.id, title=tmux.title(session), viewers=viewers)
