"""Running tmux as the agent's user, on a server of our own."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bunkhouse_runner import processes
from bunkhouse_runner.errors import RunnerError, Unknown
from bunkhouse_runner.processes import Account
from bunkhouse_runner.terminals.shelf import HISTORY_LINES, Kept

CONFIG = "/etc/bunkhouse/tmux.conf"
SERVER = ("-L", "bunkhouse")
TITLE_CHARACTERS = 60
_WHERE = "#{pane_height} #{pane_width} #{pane_current_path}"
_TAKEN = "#{alternate_on}"
_BUFFER = "bunkhouse-kept"
_ENV = {"TERM": "xterm-256color"}
_PANES = "#{session_id} #{pane_id} #{pane_pid} #{session_name} #{pane_current_command}"
_ID = re.compile(r"t[1-9][0-9]{0,8}")


class TerminalFailed(RunnerError):
    """Tmux does not do what it is asked: code `terminal_failed`."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session of tmux, which is one terminal."""

    order: int
    """Later ones have higher numbers."""
    id: str
    pane: str
    """As tmux names it: `%3`."""
    pid: int
    """Of the shell."""
    command: str
    """The program in the foreground, as tmux sees it."""


class Tmux:
    """The tmux server. It starts with the first session and ends with the last."""

    def __init__(
        self, account: Account, *, server: Sequence[str] = SERVER, config: str = CONFIG
    ) -> None:
        self._account = account
        self._argv = ["tmux", "-u", *server, "-f", config]
        self._variables: dict[str, str] = {}
        """Those of the account's that the server has."""

    async def sessions(self) -> list[Session]:
        """Return the sessions, in the order in which they were made."""
        status, out, _ = await self._run("list-panes", "-a", "-F", _PANES)
        if status != 0:  # there is no server
            return []
        found: dict[str, Session] = {}
        for line in out.splitlines():
            order, pane, pid, name, command = [*line.split(" ", 4), ""][:5]
            if _ID.fullmatch(name):  # others are the agent's own affair
                session = Session(int(order[1:]), name, pane, int(pid), command)
                found.setdefault(name, session)
        return sorted(found.values(), key=lambda session: session.order)

    async def new(
        self, terminal_id: str, cwd: Path, rows: int, cols: int, argv: Sequence[str] = ()
    ) -> None:
        """Make a session, of a shell or of another program. Raises TerminalFailed."""
        await self._hand_on_variables()
        size = "-x", str(cols), "-y", str(rows)
        status, _, err = await self._run(
            "new-session", "-d", "-s", terminal_id, *size, "-c", str(cwd), *argv
        )
        if status != 0:
            raise failed("The terminal can't be started.", err)

    async def _hand_on_variables(self) -> None:
        """Let a server that runs have the account's variables: it knows those of its start."""
        wanted = dict(self._account.variables)
        if wanted != self._variables and (await self._run("has-session"))[0] == 0:
            for name in self._variables.keys() - wanted.keys():
                await self._run("set-environment", "-g", "-u", name)
            for name, value in wanted.items():
                await self._run("set-environment", "-g", name, value)
        self._variables = wanted

    async def kill(self, terminal_id: str) -> None:
        """End a session, and what runs in it. Raises Unknown."""
        status, _, _ = await self._run("kill-session", "-t", f"={terminal_id}")
        if status != 0:
            raise unknown(terminal_id)

    async def describe(self, session: Session) -> Kept | None:
        """Say where a session is; None if it has just ended."""
        status, out, _ = await self._run("display-message", "-p", "-t", session.pane, _WHERE)
        parts = out.rstrip("\n").split(" ", 2)
        if status != 0 or len(parts) < 3:
            return None
        return Kept(session.id, parts[2], rows=int(parts[0]), cols=int(parts[1]))

    async def write(self, session: Session, path: Path) -> None:
        """Have tmux write into a file what was printed in a session and what is on its screen.

        Of a program that has the whole screen to itself, what was there before it.
        """
        capture = ("capture-pane", "-e", "-J", "-t", session.pane, "-b", _BUFFER)
        save = ("save-buffer", "-b", _BUFFER)
        _, taken, _ = await self._run("display-message", "-p", "-t", session.pane, _TAKEN)
        if taken.strip() == "1":
            await self._run(*capture, "-S", f"-{HISTORY_LINES}", "-E", "-1", ";", *save, str(path))
            await self._run(*capture, "-a", "-q", ";", *save[:1], "-a", *save[1:], str(path))
        else:
            await self._run(*capture, "-S", f"-{HISTORY_LINES}", ";", *save, str(path))

    async def end(self) -> None:
        """End all sessions, with what runs in them."""
        await self._run("kill-server")

    async def control(self, terminal_id: str) -> asyncio.subprocess.Process:
        """Attach to a session in control mode. Raises TerminalFailed."""
        pipe = asyncio.subprocess.PIPE
        return await self._start("-C", "attach-session", "-t", f"={terminal_id}", stdin=pipe)

    async def _run(self, *arguments: str) -> tuple[int, str, str]:
        process = await self._start(*arguments)
        printed, said = processes.piped(process)
        try:
            # Not until their end: the server, where it is started, must not hold us.
            status = await process.wait()
            out, err = await printed.read(), await said.read()
        except BaseException:
            await asyncio.shield(processes.end(process, grace=0.5))
            raise
        return status, out.decode(errors="replace"), err.decode(errors="replace").strip()

    async def _start(
        self, *arguments: str, stdin: int = asyncio.subprocess.DEVNULL
    ) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        try:
            return await processes.start(
                [*self._argv, *arguments], self._account, cwd=Path("/"), env=_ENV,
                stdin=stdin, stdout=pipe, stderr=pipe,
            )  # fmt: skip
        except OSError as error:
            raise failed("There are no terminals here.", str(error)) from error


def failed(message: str, detail: str) -> TerminalFailed:
    """Say that tmux failed."""
    return TerminalFailed("terminal_failed", message, remedy="Try again.", detail=detail)


def unknown(terminal_id: str) -> Unknown:
    """Say that there is no such terminal."""
    return Unknown(
        "no_such_terminal", f"There is no terminal {terminal_id}.", remedy="Open a new one."
    )


def title(session: Session) -> str:
    """Say what runs in a terminal: the command line in the foreground."""
    try:
        stat = Path(f"/proc/{session.pid}/stat").read_text(errors="replace")
        foreground = stat.rpartition(")")[2].split()[5]
        line = Path(f"/proc/{foreground}/cmdline").read_bytes().decode(errors="replace")
    except (OSError, IndexError):
        return session.command
    program, *arguments = line.rstrip("\0").split("\0")
    words = " ".join([program.rpartition("/")[2].lstrip("-"), *arguments])
    words = "".join(filter(str.isprintable, words)).strip() or session.command
    return words if len(words) <= TITLE_CHARACTERS else words[: TITLE_CHARACTERS - 1] + "…"
