"""The process of the *holder* container, which joins a sandbox's network and user namespace.

It sets the rules by which nothing leaves the sandbox unasked, prints `READY`, and then sleeps until
the rules refuse something, which it reports to the runner. The sandbox has both namespaces
without CAP_NET_ADMIN, so that its root can't change a rule. There is no interface but loopback:
where the rules are missing nothing gets out either, the programs inside only fail less clearly.

- Every IPv4 address is routed to loopback. TCP is redirected to the runner's relay, DNS (UDP and
  TCP) to its resolver, whatever server was asked.
- Everything else to anywhere else is refused where it is sent: `sendto` fails with EPERM at once,
  TCP over IPv6 with ECONNREFUSED. A copy of the first bytes comes here by NFLOG, which needs no
  capability beyond CAP_NET_ADMIN; the kernel limits how many.
- `SELF` is the sandbox's own address. Without one that is not 127/8, `getaddrinfo` with
  AI_ADDRCONFIG finds no address family to be usable; and it is the source of what goes out.

Only the standard library's light parts: one of these sleeps beside every sandbox.
"""

import json
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

from bunkhouse_protocol.places import DNS_PORT, REFUSED_UDP_PORT, RELAY_PORT

SELF = "198.18.0.1"
"""First address of the range that stands for names (`names.py` leaves it out)."""

LOG_GROUP = 5
REPEAT_SECONDS = 10.0
"""The same destination is reported once in this time."""
REMEMBERED = 512

NAT = f"""*nat
:OUTPUT ACCEPT
-A OUTPUT -p udp --dport 53 -j REDIRECT --to-ports {DNS_PORT}
-A OUTPUT -p tcp --dport 53 -j REDIRECT --to-ports {DNS_PORT}
-A OUTPUT -p tcp -d 127.0.0.0/8 -j RETURN
-A OUTPUT -p tcp -d {SELF} -j RETURN
-A OUTPUT -p tcp -j REDIRECT --to-ports {RELAY_PORT}
COMMIT
"""
LOG = (
    "-A OUTPUT -m limit --limit 20/second --limit-burst 60 "
    f"-j NFLOG --nflog-group {LOG_GROUP} --nflog-size 64\n"
)
# What is sent back by the relay goes to the sender's address: SELF, or 127/8.
FILTER = f"""*filter
:OUTPUT ACCEPT
-A OUTPUT -d 127.0.0.0/8 -j ACCEPT
-A OUTPUT -d {SELF} -j ACCEPT
{{log}}-A OUTPUT -j REJECT --reject-with icmp-port-unreachable
COMMIT
"""
FILTER6 = """*filter
:OUTPUT ACCEPT
-A OUTPUT -d ::1 -j ACCEPT
{log}-A OUTPUT -p tcp -j REJECT --reject-with tcp-reset
-A OUTPUT -j REJECT --reject-with icmp6-port-unreachable
COMMIT
"""

Destination = tuple[str, int, str]
"""Address, port, `tcp` or `udp`."""


def _run(*argv: str, text: str | None = None) -> str | None:
    """Run a program; what it complained of, or None where it succeeded."""
    if shutil.which(argv[0]) is None:
        return f"{argv[0]} is not installed"
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"{' '.join(argv)}: {done.stderr.strip()}"


def _restore(program: str, table: str, wanted: str) -> str | None:
    """Load rules: with the log, else without; by nf_tables, else by the legacy interface."""
    complaints: list[str] = []
    for variant in (program, program.replace("tables-", "tables-legacy-")):
        for log in (LOG, ""):
            complaint = _run(variant, text=table + wanted.replace("{log}", log))
            if complaint is None:
                if not log:
                    print("refused datagrams can't be reported: no NFLOG", file=sys.stderr)
                return None
            complaints.append(complaint)
    return complaints[0]


def set_rules() -> None:
    """Set routes and rules; may be done again. Raises SystemExit where IPv4 can't be held.

    IPv6 is refused with a rule where that can be had, so that it is reported, and otherwise by the
    lack of a route; both fail at once.
    """
    for argv in (
        ("ip", "link", "set", "lo", "up"),
        ("ip", "address", "replace", f"{SELF}/32", "dev", "lo"),
    ):
        if complaint := _run(*argv):
            raise SystemExit(complaint)
    if complaint := _restore("iptables-restore", NAT, FILTER):
        raise SystemExit(complaint)
    # The route comes after the rules, so that nothing slips into it before they stand.
    if complaint := _run("ip", "route", "replace", "local", "default", "dev", "lo", "src", SELF):
        raise SystemExit(complaint)
    if Path("/proc/net/if_inet6").exists() and not _restore("ip6tables-restore", "", FILTER6):
        _run("ip", "-6", "route", "replace", "local", "default", "dev", "lo")


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def open_log() -> socket.socket:
    """Subscribe to what the rules log (linux/netfilter/nfnetlink_log.h). Raises OSError."""
    log = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)  # NETLINK_NETFILTER
    bind = _attribute(1, b"\x01")  # NFULA_CFG_CMD: NFULNL_CFG_CMD_BIND
    copy = _attribute(2, struct.pack("!IBB", 64, 2, 0))  # NFULA_CFG_MODE: 64 bytes of the packet
    soon = _attribute(4, struct.pack("!I", 5))  # NFULA_CFG_TIMEOUT: hand over after 50 ms
    for attributes in (bind, copy + soon):
        body = struct.pack("!BBH", socket.AF_UNSPEC, 0, LOG_GROUP) + attributes
        log.send(struct.pack("=IHHII", 16 + len(body), 0x0401, 5, 0, 0) + body)
        if error := struct.unpack_from("=i", log.recv(4096), 16)[0]:
            raise OSError(-error, "subscribing to NFLOG")
    return log


def destination(packet: bytes) -> Destination | None:
    """Where an IP packet wanted to go; None for what is neither TCP nor UDP, or to nobody."""
    version = packet[0] >> 4 if packet else 0
    if version == 4 and len(packet) >= 24:
        protocol, raw, start = packet[9], packet[16:20], (packet[0] & 15) * 4
        aside = raw[0] >= 224  # multicast and broadcast: discovery, not somebody's host
    elif version == 6 and len(packet) >= 44:
        protocol, raw, start = packet[6], packet[24:40], 40
        aside = raw[0] == 0xFF
    else:
        return None
    name = {socket.IPPROTO_TCP: "tcp", socket.IPPROTO_UDP: "udp"}.get(protocol)
    if name is None or aside or len(packet) < start + 4:
        return None
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    return socket.inet_ntop(family, raw), int.from_bytes(packet[start + 2 : start + 4], "big"), name


def logged(batch: bytes) -> list[Destination]:
    """The destinations in what the log handed over: netlink messages, each with attributes."""
    found: list[Destination] = []
    while len(batch) >= 20:
        size, kind = struct.unpack_from("=IH", batch)
        attributes = batch[20:size] if kind == 0x0400 else b""  # NFULNL_MSG_PACKET
        while len(attributes) >= 4:
            length, name = struct.unpack_from("=HH", attributes)
            if name == 9 and (where := destination(attributes[4:length])):  # NFULA_PAYLOAD
                found.append(where)
            attributes = attributes[max(4, (length + 3) & ~3) :]
        batch = batch[max(20, (size + 3) & ~3) :]
    return found


def watch(log: socket.socket) -> NoReturn:
    """Report each refused destination, once in a while, to the runner: a JSON datagram each."""
    report = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    last: dict[Destination, float] = {}
    while True:
        try:
            batch = log.recv(128 * 1024)
        except OSError:  # ENOBUFS: more than we can read; the rest is as good
            continue
        now = time.monotonic()
        for where in logged(batch):
            if now - last.get(where, -REPEAT_SECONDS) < REPEAT_SECONDS:
                continue
            if len(last) >= REMEMBERED:
                last.clear()
            last[where] = now
            host, port, protocol = where
            text = json.dumps({"host": host, "port": port, "protocol": protocol})
            report.sendto(text.encode(), ("127.0.0.1", REFUSED_UDP_PORT))


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def main() -> NoReturn:
    """Set the rules, say so, then watch until SIGTERM."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    set_rules()
    print("READY", flush=True)
    try:
        log = open_log()
    except OSError as error:
        print(f"refused datagrams can't be reported: {error}", file=sys.stderr)
        while True:
            signal.pause()
    watch(log)


if __name__ == "__main__":
    main()
