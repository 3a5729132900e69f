"""What is done to a hub and its sandboxes, each in one way that is real and needs no mount.

The disk is filled by a limit on the size of files that the hub's process may write (`prlimit`):
from then on nothing of its can grow, the store's log above all. Its sockets are cut by shutting
down the hub's own ends of them, of which a copy is taken (`pidfd_getfd`).
"""

import contextlib
import ctypes
import errno
import os
import resource
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Protocol

from ..hubs import HubProcess
from .podman import Engine

_PIDFD_GETFD = 438
_FULL_BYTES = 4096


@dataclass
class Ground:
    """Where damage is done."""

    hub: HubProcess
    engine: Engine
    random: Random


@dataclass
class Damage:
    """One that was done."""

    kind: str
    sessions: list[str]
    """Those that it may have hit."""
    began: float
    over: float = 0.0
    """When whatever was broken from outside was mended from outside, by the clock of `time`."""
    detail: str = ""
    recovered: list[float] = field(default_factory=list[float])
    """For each session: seconds until its agent was heard again."""


Do = Callable[[Ground, str], str | None]
"""Does it, to one session where it is about one; None: there was nothing to do it to."""


class _Killed(Protocol):
    """What can be killed, and started again."""

    def kill(self) -> None: ...

    def start(self) -> None: ...


def hub_killed(ground: Ground, _session: str) -> str:
    return _away(ground.hub, ground.random.choice((0.0, 0.5, 2.0)))


def runner_killed(ground: Ground, session: str) -> str | None:
    return _killed_in(ground, session, "bunkhouse_runner")


def opencode_killed(ground: Ground, session: str) -> str | None:
    return _killed_in(ground, session, "opencode serve")


def _killed_in(ground: Ground, session: str, program: str) -> str | None:
    sandbox = ground.engine.sandbox(session)
    if sandbox is None or not ground.engine.kill_in(sandbox, program):
        return None
    return sandbox[:12]


def container_stopped(ground: Ground, session: str) -> str | None:
    sandbox = ground.engine.sandbox(session)
    if sandbox is None:
        return None
    grace = ground.random.choice((0, 10))
    ground.engine.ask("POST", f"/containers/{sandbox}/stop", t=grace)
    return f"{sandbox[:12]}, {grace} s to end"


def container_removed(ground: Ground, session: str) -> str | None:
    sandbox = ground.engine.sandbox(session)
    if sandbox is None:
        return None
    # The holder stands on it, and so goes first.
    for container in ground.engine.containers(session=session):
        if container["Id"] != sandbox:
            ground.engine.remove(container["Id"])
    ground.engine.remove(sandbox)
    return sandbox[:12]


def container_frozen(ground: Ground, session: str) -> str | None:
    """All its processes stand still, as where an engine dies while it keeps a sandbox's files."""
    sandbox = ground.engine.sandbox(session)
    return sandbox[:12] if sandbox is not None and ground.engine.freeze(sandbox) else None


def engine_restarted(ground: Ground, _session: str) -> str:
    return _away(ground.engine, ground.random.choice((0.0, 1.0, 4.0)))


def _away(killed: _Killed, seconds: float) -> str:
    killed.kill()
    time.sleep(seconds)  # how long it stays away is the damage
    killed.start()
    return f"away for {seconds:g} s"


def sockets_cut(ground: Ground, _session: str) -> str | None:
    """Every connection of every sandbox to the hub: link, models, git, the way out."""
    assert ground.hub.process is not None
    pid = ground.hub.process.pid
    cut = 0
    watched = os.pidfd_open(pid)
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                if not str(link.readlink()).startswith("socket:"):
                    continue
            copy: int = libc.syscall(_PIDFD_GETFD, watched, int(link.name), 0)
            if copy < 0:
                if ctypes.get_errno() == errno.EBADF:
                    continue  # it was closed this very moment
                raise OSError(ctypes.get_errno(), "the hub's sockets can't be reached")
            with socket.socket(fileno=copy) as end:
                if _to_a_sandbox(end):
                    end.shutdown(socket.SHUT_RDWR)
                    cut += 1
    finally:
        os.close(watched)
    return f"{cut} connections" if cut else None


def _to_a_sandbox(end: socket.socket) -> bool:
    if end.family != socket.AF_UNIX or end.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return False
    return str(end.getsockname()).endswith("/hub.sock")


def disk_filled(ground: Ground, _session: str) -> str:
    """For a while nothing that the hub writes can grow."""
    assert ground.hub.process is not None
    pid = ground.hub.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    seconds = ground.random.choice((1.0, 3.0))
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (_FULL_BYTES, before[1]))
    time.sleep(seconds)  # how long it is full is the damage
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    return f"full for {seconds:g} s"


KINDS: dict[str, Do] = {
    "hub killed": hub_killed,
    "runner killed": runner_killed,
    "OpenCode killed": opencode_killed,
    "container stopped": container_stopped,
    "container removed": container_removed,
    "container frozen": container_frozen,
    "engine restarted": engine_restarted,
    "sockets cut": sockets_cut,
    "disk filled": disk_filled,
}

TO_ALL = frozenset({"hub killed", "engine restarted", "sockets cut", "disk filled"})
"""Kinds that hit every session."""

CUTS_ANSWERS = frozenset({"hub killed", "sockets cut", "disk filled"})
"""Kinds that may cut an answer of the model in the middle, which is then asked for anew."""

ENDS_TURNS = {
    "runner killed": {"runner_restarted", "sandbox_lost"},
    "OpenCode killed": {"agent_died"},
    "container stopped": {"runner_restarted", "sandbox_lost"},
    "container removed": {"sandbox_lost"},
    "container frozen": set[str](),
    "hub killed": {"model_unreachable", "model_broke_off"},
    "sockets cut": {"model_unreachable", "model_broke_off"},
    "disk filled": {"model_unreachable", "model_broke_off", "model_failed"},
    "engine restarted": set[str](),
}
"""With which code a turn may have ended because of it; see docs/explanation/after-a-crash.md."""
