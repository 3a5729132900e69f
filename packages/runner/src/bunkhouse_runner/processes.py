"""Programs that the runner starts: as the agent's user, in sessions of their own, ended whole.

The runner is root and holds the sandbox's token. What it starts gets neither: the environment is
the image's without the runner's own variables, and root is left behind before the program begins.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
import pwd
import shutil
import signal
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

OWN_VARIABLES = "BUNKHOUSE_"
"""Variables with this prefix are the runner's and are not handed on."""

GRACE_SECONDS = 5.0
KILLED_SECONDS = 2.0
_LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Account:
    """The Unix user as whom a program runs."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: Path
    shell: str = "/bin/sh"
    variables: Mapping[str, str] = field(default_factory=dict[str, str], compare=False, repr=False)
    """Further ones of its programs' environment. May change; what runs keeps those of its start."""

    @classmethod
    def named(cls, name: str, home: Path | None = None) -> "Account":
        """Look a user up. Raises KeyError where there is none of that name."""
        entry = pwd.getpwnam(name)
        return cls(
            name=name,
            uid=entry.pw_uid,
            gid=entry.pw_gid,
            groups=tuple(os.getgrouplist(name, entry.pw_gid)),
            home=home or Path(entry.pw_dir),
            shell=entry.pw_shell or "/bin/sh",
        )

    @classmethod
    def current(cls, home: Path | None = None) -> "Account":
        """Return the user who runs this process."""
        return cls.named(pwd.getpwuid(os.getuid()).pw_name, home)

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment of this user's programs: ours, less what is the runner's."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(OWN_VARIABLES)}
        own = {
            "HOME": str(self.home),
            "USER": self.name,
            "LOGNAME": self.name,
            "SHELL": self.shell,
        }
        defaults = {"LANG": "C.UTF-8", "PATH": os.defpath}
        return {**defaults, **inherited, **self.variables, **own, **(extra or {})}

    def own(self, path: Path) -> None:
        """Give a file or folder to this user, where we may."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


Stream = int | IO[bytes] | None


async def start(
    argv: Sequence[str],
    account: Account,
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: Stream = asyncio.subprocess.DEVNULL,
    stdout: Stream = None,
    stderr: Stream = None,
    terminal: bool = False,
) -> asyncio.subprocess.Process:
    """Start a program as `account`, as the leader of a session and process group of its own.

    `env` is added to the account's environment. With `terminal`, stdin is a terminal that becomes
    the session's controlling one. Raises OSError as exec does: FileNotFoundError for a program
    or a folder that is not there, PermissionError for one that may not be run.
    """
    switch = os.geteuid() == 0 and account.uid != 0
    environment = account.environment({"PWD": str(cwd), **(env or {})})
    try:
        return await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=environment,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            user=account.uid if switch else None,
            group=account.gid if switch else None,
            extra_groups=account.groups if switch else None,
            umask=0o022,
            preexec_fn=_take_terminal if terminal else None,
        )
    except PermissionError:
        # So it is told too when a folder of PATH may not be entered and no other has the program.
        if "/" in argv[0] or shutil.which(argv[0], os.F_OK, environment["PATH"]):
            raise
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), argv[0]) from None


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def piped(
    process: asyncio.subprocess.Process,
) -> tuple[asyncio.StreamReader, asyncio.StreamReader]:
    """Return its stdout and its stderr. Raises ValueError where it was started without pipes."""
    if process.stdout is None or process.stderr is None:
        raise ValueError("stdout and stderr are to be pipes")
    return process.stdout, process.stderr


async def end(process: asyncio.subprocess.Process, grace: float = GRACE_SECONDS) -> int:
    """End a program that `start` started, and all that it started; return its exit status.

    SIGTERM first; what is left of it after `grace` seconds gets SIGKILL. Descendants that went
    into process groups of their own are found through their parents, as long as these live.
    """
    groups = {process.pid, *await asyncio.to_thread(groups_below, process.pid)}
    _signal(groups, signal.SIGTERM)
    await _gone(process, groups, grace)
    _signal(groups, signal.SIGKILL)
    await _gone(process, groups, KILLED_SECONDS)
    return -signal.SIGKILL if process.returncode is None else process.returncode


async def _gone(process: asyncio.subprocess.Process, groups: set[int], seconds: float) -> None:
    # Nothing tells of the end of a group, so we look; and `Process.wait` also waits until nobody
    # holds the process's pipes, which may be never.
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.returncode is not None and not _alive(groups):
            return
        await asyncio.sleep(_LOOK_SECONDS)


def _signal(groups: set[int], number: signal.Signals) -> None:
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def _alive(groups: set[int]) -> bool:
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, 0)
            break
    else:
        return False
    # Dead ones that nobody has collected yet count as well for `killpg`.
    return any(one.group in groups and one.state not in "ZX" for one in _processes())


def groups_below(root: int) -> set[int]:
    """Return the process groups of the descendants of a process, other than the runner's own."""
    children: dict[int, list[_Process]] = {}
    for one in _processes():
        children.setdefault(one.parent, []).append(one)
    found: set[int] = set()
    waiting = [root]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            found.add(child.group)
            waiting.append(child.pid)
    return found - {os.getpgrp(), 0}


class _Process(NamedTuple):
    pid: int
    state: str
    parent: int
    group: int


def _processes() -> Iterator[_Process]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError, IndexError, ValueError):
                # The second field, the program's name, may hold spaces and parentheses.
                fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
                yield _Process(int(entry.name), fields[0], int(fields[1]), int(fields[2]))
