"""What may be reached: names and addresses, by mode and list."""

import ipaddress

import pytest

from bunkhouse.broker.egress.policy import Mode, Policy, kind_of
from bunkhouse.errors import InvalidInput

LIST = (
    "pkgs.example",
    "*.example.org",
    "München.example",
    "10.1.0.0/16",
    "2001:db8::7",
    " UPPER.test. ",
)


@pytest.mark.parametrize(
    ("host", "allowlist", "open_"),
    [
        ("pkgs.example", True, True),
        ("Pkgs.Example.", True, True),
        ("upper.test", True, True),
        ("evilpkgs.example", False, True),
        ("pkgs.example.evil.test", False, True),
        ("sub.pkgs.example", False, True),
        ("example.org", False, True),
        ("a.example.org", True, True),
        ("a.b.example.org", True, True),
        ("badexample.org", False, True),
        ("münchen.example", True, True),
        ("xn--mnchen-3ya.example", True, True),
        ("localhost", False, True),
        ("10.1.200.3", True, True),
        ("10.2.0.1", False, False),
        ("2001:db8::7", True, True),
        ("[2001:DB8::7]", True, True),
        ("2001:db8::8", False, False),
        ("8.8.8.8", False, True),
        ("2606:4700:4700::1111", False, True),
        ("127.0.0.1", False, False),
        ("::1", False, False),
        ("::ffff:127.0.0.1", False, False),
        ("169.254.169.254", False, False),
        ("198.18.3.4", False, False),
        ("0.0.0.0", False, False),
    ],
)
def test_table(host: str, allowlist: bool, open_: bool) -> None:
    wanted: dict[Mode, bool] = {"allowlist": allowlist, "open": open_, "off": False}
    for mode, allowed in wanted.items():
        verdict = Policy(mode, LIST).decide(host, 443)
        assert verdict.allowed is allowed, mode
        if not allowed:
            assert verdict.reason
            assert "BUNKHOUSE_EGRESS" in verdict.remedy


@pytest.mark.parametrize(
    ("address", "exact", "pattern", "other"),
    [
        ("151.101.0.223", True, True, True),
        ("2a04:4e42::223", True, True, True),
        ("10.9.8.7", True, True, False),
        ("203.0.113.80", True, True, False),
        ("100.64.1.1", True, True, False),
        ("fd12::1", True, True, False),
        ("127.0.0.1", True, False, False),
        ("::1", True, False, False),
        ("::ffff:10.0.0.1", True, True, False),
        ("::ffff:8.8.8.8", True, True, True),
        ("64:ff9b::10.0.0.1", True, True, False),
        ("64:ff9b::169.254.169.254", False, False, False),
        ("2002:7f00:1::", True, False, False),
        ("169.254.169.254", False, False, False),
        ("fe80::1", False, False, False),
        ("fd00:ec2::254", False, False, False),
        ("100.100.100.200", False, False, False),
        ("224.0.0.1", False, False, False),
        ("255.255.255.255", False, False, False),
        ("0.0.0.0", False, False, False),
        ("::", False, False, False),
    ],
)
def test_addresses_that_names_turn_out_to_have(
    address: str, exact: bool, pattern: bool, other: bool
) -> None:
    policy = Policy("open", LIST)
    at = ipaddress.ip_address(address)
    assert policy.decide("pkgs.example", 443).admits(at) is exact
    assert policy.decide("a.example.org", 443).admits(at) is pattern
    assert policy.decide("elsewhere.test", 443).admits(at) is other
    assert not Policy("allowlist", LIST).decide("elsewhere.test", 443).admits(at)


def test_listed_network_may_be_any() -> None:
    verdict = Policy("allowlist", ["169.254.169.254"]).decide("169.254.169.254", 80)
    assert verdict.admits(ipaddress.ip_address("169.254.169.254"))


@pytest.mark.parametrize(
    "host", ["", ".", "a..b", "-a.test", "a b", "a/b", "x" * 64, "é" * 80, "*"]
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(InvalidInput):
        Policy("open").decide(host, 443)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_what_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(InvalidInput):
        Policy("open").decide("pkgs.example", port)


@pytest.mark.parametrize(
    "entry", ["*", "*.", "http://x.test", "*.10.0.0.1", "a.*.test", "10.0.0.0/99"]
)
def test_an_entry_that_means_nothing_is_an_error(entry: str) -> None:
    with pytest.raises(InvalidInput, match="can't be on the list"):
        Policy("allowlist", [entry])


def test_numbers_that_resolvers_read_as_addresses_are_judged_as_what_they_become() -> None:
    verdict = Policy("open").decide("2130706433", 80)
    assert not verdict.admits(ipaddress.ip_address("127.0.0.1"))


def test_kinds() -> None:
    assert kind_of(ipaddress.ip_address("2001:0:4136:e378:8000:63bf:3fff:fdd2")) == "private"
