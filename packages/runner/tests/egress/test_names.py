"""Names and their addresses, and the resolver over real sockets, asked by another's DNS library."""

import asyncio
import importlib
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bunkhouse_runner.names import RANGE, Names, canonical, use_resolver
from bunkhouse_runner.resolver import Resolver, serve_names

DNSRecord: Any = importlib.import_module("dnslib").DNSRecord  # it has no types


@pytest.fixture
def resolver() -> Resolver:
    return Resolver(Names(), hostname="Bunk1")


def ask(resolver: Resolver, name: str, kind: str = "A") -> tuple[int, list[str]]:
    """Response code and the data of the answers."""
    question = DNSRecord.question(name, kind)
    reply = resolver.answer(bytes(question.pack()))
    assert reply is not None
    parsed = DNSRecord.parse(reply)
    assert parsed.header.id == question.header.id
    assert str(parsed.q.qname) == str(question.q.qname)
    assert parsed.header.qr == parsed.header.ra == parsed.header.rd == 1
    return parsed.header.rcode, [str(answer.rdata) for answer in parsed.rr]


def test_each_name_has_one_address_and_back() -> None:
    names = Names()
    addresses = {name: names.address(name) for name in (f"n{i}.test" for i in range(5000))}
    assert len(set(addresses.values())) == 5000
    for name, address in addresses.items():
        assert names.address(name) == address
        assert names.name(address) == name
        assert socket.inet_aton(address)[:2] in (b"\xc6\x12", b"\xc6\x13")
    assert "198.18.0.1" not in addresses.values()
    assert Names().address("n77.test") == addresses["n77.test"]


def test_the_least_recently_used_is_forgotten() -> None:
    names = Names(most=3)
    first, second = names.address("a"), names.address("b")
    names.address("c")
    names.name(first)
    names.address("d")
    assert names.name(first) == "a"
    assert names.name(second) is None


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("Pkgs.Example.", "pkgs.example"),
        ("_x._tcp.a.test", "_x._tcp.a.test"),
        ("", None),
        (".", None),
        ("a..b", None),
        ("a b", None),
        ("-a", None),
        ("ä.test", None),
        ("x" * 64, None),
        (".".join(["a"] * 128), None),
    ],
)
def test_canonical(name: str, result: str | None) -> None:
    assert canonical(name) == result


def test_answers(resolver: Resolver) -> None:
    code, (address,) = ask(resolver, "Pkgs.Example")
    assert code == 0
    assert ask(resolver, "pkgs.example.") == (0, [address])
    reverse = ".".join(reversed(address.split("."))) + ".in-addr.arpa"
    assert ask(resolver, reverse, "PTR") == (0, ["pkgs.example."])
    assert ask(resolver, "4.3.2.1.in-addr.arpa", "PTR") == (3, [])
    for kind in ("AAAA", "MX", "TXT", "SRV", "HTTPS", "SOA", "NS", "CAA"):
        assert ask(resolver, "pkgs.example", kind) == (0, []), kind
    for own in ("localhost", "app.localhost", "bunk1"):
        assert ask(resolver, own) == (0, ["127.0.0.1"])
        assert ask(resolver, own, "AAAA") == (0, [])
    for none in ("x.invalid", "a b.test"):
        assert ask(resolver, none) == (3, [])


def test_what_it_does_not_do(resolver: Resolver) -> None:
    question = bytearray(DNSRecord.question("pkgs.example").pack())
    question[2] |= 0x28  # opcode UPDATE
    assert DNSRecord.parse(resolver.answer(bytes(question))).header.rcode == 4
    two = bytearray(DNSRecord.question("pkgs.example").pack())
    two[5] = 2
    assert DNSRecord.parse(resolver.answer(bytes(two))).header.rcode == 1
    assert resolver.answer(b"short") is None
    reply = resolver.answer(bytes(DNSRecord.question("pkgs.example").pack()))
    assert reply is not None
    assert resolver.answer(reply) is None, "a reply is never answered"


@given(st.binary(max_size=300))
def test_nothing_breaks_it(message: bytes) -> None:
    resolver = Resolver(Names(), hostname="bunk1")
    for prefix in (b"", b"\0\1\1\0\0\1\0\0\0\0\0\0"):
        if reply := resolver.answer(prefix + message):
            assert len(reply) >= 12


async def test_over_udp_and_tcp() -> None:
    async with serve_names(Names(), port=0, hostname="bunk1") as port:
        question = DNSRecord.question("pkgs.example")

        def over(tcp: bool) -> Any:
            return DNSRecord.parse(question.send("127.0.0.1", port, tcp=tcp, timeout=5))

        udp = await asyncio.to_thread(over, False)
        tcp = await asyncio.to_thread(over, True)
        assert udp.pack() == tcp.pack()
        assert socket.inet_aton(str(udp.rr[0].rdata))[:1] == b"\xc6"


def test_range_is_nobody_s() -> None:
    assert not RANGE.is_global


def test_resolv_conf_has_no_search_domain(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    use_resolver(path)
    assert "nameserver" in path.read_text()
    assert "search" not in path.read_text()
