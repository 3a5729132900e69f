"""The second way of giving apps origins: ports of the hub's own host, one for each view.

For where no wildcard name can be had. It is weaker: browsers do not separate cookies by port.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bunkhouse.addresses import aliases, canonical
from bunkhouse.errors import InvalidInput, Misdirected, TooMany
from bunkhouse.gateway.origins import Address, Mode

_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")
_MOST = 1000


def ports_in(text: str) -> range:
    """Read a range: `8800-8899`.

    Raises:
        InvalidInput: it is no range of at most 1000 ports.
    """
    found = _RANGE.fullmatch(text.strip())
    first, last = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 0 < first <= last < 65536 or last - first >= _MOST:
        raise InvalidInput(
            f"{text!r} is no range of ports.",
            remedy="Set BUNKHOUSE_APPS_PORTS to a range of at most 1000 ports, as in 8800-8899.",
        )
    return range(first, last + 1)


@dataclass(slots=True)
class _Allotment:
    address: Address
    used_at: float
    second_hand: bool


class PortOrigins:
    """Every app that somebody views has a port. `idle_seconds`: after that it may be another's."""

    mode: Mode = "ports"
    shared_host = True

    def __init__(
        self,
        hub: str,
        ports: Sequence[int],
        *,
        idle_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        parts = urlsplit(hub)
        self.hub = hub
        self.hubs = aliases(hub)
        self.secure = parts.scheme == "https"
        self._scheme = parts.scheme
        self._host = parts.hostname or ""
        self._idle = idle_seconds
        self._clock = clock
        self._ports = list(ports)
        self._by_port: dict[int, _Allotment] = {}
        self._by_address: dict[Address, int] = {}

    @property
    def ports(self) -> Sequence[int]:
        """Give the ports that are to be listened on."""
        return self._ports

    def use(self, ports: Sequence[int]) -> None:
        """Keep to the ports that could be taken."""
        self._ports = list(ports)

    def allot(self, address: Address) -> int:
        """Give an app its port, the one that it had if it has one.

        A port that was another's is taken as late as possible: what that one left in browsers
        (storage, cache) would be this one's.

        Raises:
            TooMany: every port is in use.
        """
        port = self._by_address.get(address)
        if port is None:
            port = next((each for each in self._ports if each not in self._by_port), None)
        if port is None:
            port = self._longest_unused()
            del self._by_address[self._by_port[port].address]
        before = self._by_port.get(port)
        second_hand = before is not None and (before.address != address or before.second_hand)
        self._by_port[port] = _Allotment(address, self._clock(), second_hand)
        self._by_address[address] = port
        return port

    def second_hand(self, address: Address) -> bool:
        """Say whether an app's port was another's before."""
        port = self._by_address.get(address)
        return port is not None and self._by_port[port].second_hand

    def _longest_unused(self) -> int:
        idle = [
            (allotment.used_at, port)
            for port, allotment in self._by_port.items()
            if self._clock() - allotment.used_at > self._idle
        ]
        if not idle:
            raise TooMany(
                f"All {len(self._ports)} ports for views of apps are in use.",
                remedy="Close views and wait, or widen BUNKHOUSE_APPS_PORTS.",
                code="no_port_free",
            )
        return min(idle)[1]

    def origin_of(self, address: Address) -> str | None:
        """Give the origin of an app; None if it has no port now."""
        port = self._by_address.get(address)
        return None if port is None else canonical(self._scheme, self._host, port)

    def address_of(self, origin: str) -> Address | None:
        """Say whose an origin is; None if it is no app's now."""
        for address in self._by_address:
            if self.origin_of(address) == origin:
                return address
        return None

    def locate(self, host: str | None, port: int) -> Address | None:
        """Say for whom a request is, by the port where it came in.

        Raises:
            Misdirected: the port is for apps, but now no app's.
        """
        del host
        allotment = self._by_port.get(port)
        if allotment is not None:
            allotment.used_at = self._clock()
            return allotment.address
        if port in self._ports:
            raise Misdirected(
                "This address belongs to no session now.", remedy="Open it again from its session."
            )
        return None

    def cookie_of(self, address: Address) -> str:
        """Name the cookie: browsers send it to every port of the host, so it says its own."""
        name = f"bunkhouse-app-{self._by_address.get(address, 0)}"
        return f"__Host-{name}" if self.secure else name
