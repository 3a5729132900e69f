"""What a sandbox may reach: a pure decision on a name (or bare address), then on its addresses.

A name is judged before it is resolved, and each address that it resolves to is judged again; the
door then connects to that very address, so that a name can't be one thing when asked and another
when used.

| asked for                        | `allowlist`     | `open`           | `off` |
|----------------------------------|-----------------|------------------|-------|
| a name on the list               | yes             | yes              | no    |
| any other name                   | no              | public addresses | no    |
| an address or network on the list| yes             | yes              | no    |
| any other address                | no              | if public        | no    |

Names on the list may resolve to private addresses, since mirrors inside a company do; an exact name
may be the hub's own machine too, a pattern (`*.example.org`) not. Neither may resolve to link-local
addresses, where clouds serve their machines' credentials. A pattern holds for all names below it,
not for `example.org` itself. Ports are not restricted: whoever may be spoken to may be spoken to
on any port.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bunkhouse.errors import InvalidInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Mode = Literal["open", "allowlist", "off"]
Kind = Literal["public", "private", "loopback", "never"]

REMEDY = (
    "An admin can allow it with the setting BUNKHOUSE_EGRESS_ALLOW, or for one repository at "
    "Settings → Repositories."
)
REMEDY_MODE = "An admin can change that with the setting BUNKHOUSE_EGRESS."

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_METADATA = {ipaddress.IPv4Address("100.100.100.200"), ipaddress.IPv6Address("fd00:ec2::254")}
"""Metadata services outside the link-local range."""


def kind_of(address: Address) -> Kind:
    """What sort of host has this address; those that carry an IPv4 address are as that one is."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return kind_of(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address.teredo is not None:
            inner = address.teredo[1]
        if inner is not None:
            return kind_of(inner)
    if address.is_loopback:
        return "loopback"
    if (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address in _METADATA
        or (address.version == 4 and int(address) >> 24 in (0, 255))
    ):
        return "never"
    return "public" if address.is_global else "private"


def parse_host(host: str) -> str | Address:
    """An address, or a name in lower case, without last dot, in its ASCII form (IDNA).

    Raises InvalidInput for what is neither.
    """
    bare = host.removeprefix("[").removesuffix("]")
    try:
        return ipaddress.ip_address(bare)
    except ValueError:
        pass
    try:
        name = host.lower() if host.isascii() else host.encode("idna").decode().lower()
    except UnicodeError as error:
        raise InvalidInput(f"“{host[:80]}” is not the name of a host.") from error
    name = name.removesuffix(".")
    if not 0 < len(name) <= 253 or not all(map(_LABEL.fullmatch, name.split("."))):
        raise InvalidInput(f"“{host[:80]}” is not the name of a host.")
    return name


@dataclass(frozen=True)
class Verdict:
    """Whether something may be reached. Where not: a sentence why, and what can be done."""

    allowed: bool
    reason: str = ""
    remedy: str = ""
    kinds: frozenset[Kind] = frozenset()
    """Kinds of address that it may turn out to have."""

    def admits(self, address: Address) -> bool:
        """Whether to connect to an address that the name resolved to."""
        return self.allowed and kind_of(address) in self.kinds


_PUBLIC = frozenset[Kind]({"public"})
_PATTERN = frozenset[Kind]({"public", "private"})
_NAMED = frozenset[Kind]({"public", "private", "loopback"})
_ALL = frozenset[Kind]({"public", "private", "loopback", "never"})


class Policy:
    """What one session's sandbox may reach.

    `allow`: names, patterns `*.example.org`, addresses and networks (`10.1.0.0/16`). Raises
    InvalidInput for an entry that is none of these, since leaving it out would be a surprise.
    """

    def __init__(self, mode: Mode, allow: Iterable[str] = ()) -> None:
        self.mode: Mode = mode
        self._names: set[str] = set()
        self._parents: set[str] = set()
        self._networks: list[Network] = []
        for entry in map(str.strip, allow):
            if entry:
                self._add(entry)

    def _add(self, entry: str) -> None:
        try:
            self._networks.append(ipaddress.ip_network(entry, strict=False))
            return
        except ValueError:
            pass
        try:
            host = parse_host(entry.removeprefix("*."))
        except InvalidInput:
            host = None
        if not isinstance(host, str):
            raise InvalidInput(
                f"“{entry}” can't be on the list of what sandboxes may reach.",
                remedy="BUNKHOUSE_EGRESS_ALLOW takes names (example.org), patterns for all names "
                "below one (*.example.org), addresses and networks (10.1.0.0/16).",
            )
        (self._parents if entry.startswith("*.") else self._names).add(host)

    def decide(self, host: str, port: int) -> Verdict:
        """Whether `host` (a name or an address) may be reached. Raises InvalidInput."""
        if not 0 < port < 65536:
            raise InvalidInput(f"{port} is not a port.")
        target = parse_host(host)
        if self.mode == "off":
            return Verdict(False, "Sandboxes here may not reach any network.", REMEDY_MODE)
        if isinstance(target, str):
            return self._decide_name(target)
        if any(target.version == net.version and target in net for net in self._networks):
            return Verdict(True, kinds=_ALL)
        if self.mode == "open":
            if kind_of(target) == "public":
                return Verdict(True, kinds=_PUBLIC)
            return Verdict(False, f"{target} is not a public address.", REMEDY)
        return Verdict(
            False, f"{target} is a bare address, and only listed names may be reached.", REMEDY
        )

    def covers(self, entry: str) -> bool:
        """Whether all that an entry of a list stands for may be reached, as names are asked for.

        Raises InvalidInput for what is no entry.
        """
        asked = Policy("allowlist", [entry])
        if self.mode == "off":
            return False
        if asked._networks:
            (network,) = asked._networks
            if any(_within(network, net) for net in self._networks):
                return True
            return self.mode == "open" and _is_public(network)
        if asked._names:
            return self._decide_name(asked._names.pop()).allowed
        if self.mode == "open":
            return True
        labels = asked._parents.pop().split(".")
        return any(".".join(labels[at:]) in self._parents for at in range(len(labels)))

    def _decide_name(self, name: str) -> Verdict:
        if name in self._names:
            return Verdict(True, kinds=_NAMED)
        labels = name.split(".")
        if any(".".join(labels[at:]) in self._parents for at in range(1, len(labels))):
            return Verdict(True, kinds=_PATTERN)
        if self.mode == "open":
            return Verdict(True, kinds=_PUBLIC)
        return Verdict(False, f"{name} is not on this installation's list.", REMEDY)


_INSIDE = [
    ipaddress.ip_network(each)
    for each in (
        *("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.168.0.0/16", "224.0.0.0/3", "::/8", "fc00::/6", "fe80::/9", "ff00::/8"),
    )
]
"""Where networks are that are nobody's in public."""


def _is_public(network: Network) -> bool:
    ends = network.network_address, network.broadcast_address
    apart = not any(net.version == network.version and net.overlaps(network) for net in _INSIDE)
    return apart and all(kind_of(end) == "public" for end in ends)


def _within(inner: Network, outer: Network) -> bool:
    if inner.version != outer.version:
        return False
    first, last = int(outer.network_address), int(outer.broadcast_address)
    return first <= int(inner.network_address) and int(inner.broadcast_address) <= last
