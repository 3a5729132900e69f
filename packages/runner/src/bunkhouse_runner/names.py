"""Names, and the addresses that stand for them inside a sandbox.

Nothing in a sandbox can ask the real DNS. Every name is answered (`resolver.py`) with an address of
198.18.0.0/15 (set aside for benchmarks, so nobody's), and the relay turns that address back into
the name, which the hub judges and resolves. So the hub is asked when something connects, and a
name that does not exist fails there.
"""

import hashlib
import ipaddress
import re
from collections import OrderedDict
from pathlib import Path

RANGE = ipaddress.IPv4Network("198.18.0.0/15")
FIRST = int(RANGE.network_address) + 2
"""The address before it is the sandbox's own (`holder.SELF`)."""
ADDRESSES = RANGE.num_addresses - 3

MOST_NAMES = 32_768
"""Names remembered; a quarter of the range, so that a free address is found in a step or two."""

RESOLV_CONF = "nameserver 127.0.0.1\noptions ndots:0 attempts:1 timeout:5\n"
"""Without search domains: every name exists here, so the first candidate would always win."""

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def canonical(name: str) -> str | None:
    """A DNS name in lower case without the last dot; None where it is none."""
    name = name.lower().removesuffix(".")
    if not 0 < len(name) <= 253 or not all(map(_LABEL.fullmatch, name.split("."))):
        return None
    return name


class Names:
    """Names and their addresses, both ways; the least recently used are forgotten.

    An address follows from the name (and, rarely, from names before it), so that it is the same in
    every sandbox and after a restart.
    """

    def __init__(self, most: int = MOST_NAMES) -> None:
        self._most = most
        self._addresses: OrderedDict[str, str] = OrderedDict()
        self._names: dict[str, str] = {}

    def address(self, name: str) -> str:
        """The address that stands for a canonical name."""
        if known := self._addresses.get(name):
            self._addresses.move_to_end(name)
            return known
        if len(self._addresses) >= self._most:
            _, freed = self._addresses.popitem(last=False)
            del self._names[freed]
        place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % ADDRESSES
        while (address := str(ipaddress.IPv4Address(FIRST + place))) in self._names:
            place = (place + 1) % ADDRESSES
        self._addresses[name] = address
        self._names[address] = name
        return address

    def name(self, address: str) -> str | None:
        """The name that an address stands for; None where it stands for none."""
        name = self._names.get(address)
        if name is not None:
            self._addresses.move_to_end(name)
        return name


def use_resolver(resolv_conf: Path = Path("/etc/resolv.conf")) -> None:
    """Point the sandbox's programs at the resolver. Raises OSError.

    Any name server would do, since questions to all are redirected; what matters is that there is
    one, and no search domain. Written in place, for engines mount this file.
    """
    resolv_conf.write_text(RESOLV_CONF)
