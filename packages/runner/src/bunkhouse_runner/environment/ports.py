"""What listens in the sandbox: a look at the kernel's tables every now and then."""

import asyncio
import contextlib
import re
from collections.abc import Callable
from pathlib import Path

from bunkhouse_protocol.events import Port, PortsChanged
from bunkhouse_protocol.places import OWN_PORTS
from bunkhouse_runner import processes
from bunkhouse_runner.agents.base import Emit
from bunkhouse_runner.processes import Account

LOOK_SECONDS = 1.5
"""The kernel tells nobody when a port begins to listen."""
_LISTENS = "0A"
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_NAMED = re.compile(r':(\d+)\s.*users:\(\("([^"]+)"')
_NAMES_SECONDS = 5.0


class Ports:
    """Watches ports, and tells when the set of them changes."""

    def __init__(
        self, emit: Emit, account: Account, look: Callable[[], set[int]] | None = None
    ) -> None:
        self._emit = emit
        self._account = account
        self._look = look or listening
        self._seen: set[int] = set()
        self.ports: list[Port] = []

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            found = self._look()
            if found != self._seen:
                names = await _names(self._account)
                self._seen = found
                self.ports = [Port(port=port, process=names.get(port)) for port in sorted(found)]
                self._emit(PortsChanged(ports=self.ports))
            await asyncio.sleep(LOOK_SECONDS)


def listening() -> set[int]:
    """Return the ports at which programs of the sandbox listen, without Bunkhouse's own."""
    ours = _own_sockets()
    found: set[int] = set()
    for table in _TABLES:
        with contextlib.suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENS and fields[9] not in ours:
                    found.add(int(fields[1].rpartition(":")[2], 16))
    return found - OWN_PORTS


def _own_sockets() -> set[str]:
    """Return the inodes of the runner's sockets."""
    found: set[str] = set()
    with contextlib.suppress(OSError):
        for entry in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):
                link = str(entry.readlink())
                if link.startswith("socket:["):
                    found.add(link[len("socket:[") : -1])
    return found


async def _names(account: Account) -> dict[int, str]:
    """Return the program at each port, as far as the agent's user may see it."""
    try:
        process = await processes.start(
            ["ss", "-ltnpH"],
            account,
            cwd=Path("/"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        said, _ = await asyncio.wait_for(process.communicate(), _NAMES_SECONDS)
    except (OSError, TimeoutError):
        return {}
    found = (_NAMED.search(line) for line in said.decode(errors="replace").splitlines())
    return {int(match[1]): match[2] for match in found if match}
