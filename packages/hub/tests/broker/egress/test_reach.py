"""What a repository may reach: whatever it says, never more than without it."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bunkhouse.broker.egress.policy import Mode
from bunkhouse.broker.egress.reach import Reach

NAMES = ["api.example.org", "example.org", "deep.api.example.org", "pypi.test", "hub.internal"]
ADDRESSES = ["8.8.8.8", "10.1.2.3", "127.0.0.1", "169.254.169.254", "2606:4700::1111", "::1"]
ENTRIES = st.sampled_from(
    [*NAMES, *ADDRESSES, *(f"*.{name}" for name in NAMES), "10.0.0.0/8", "0.0.0.0/0", "8.0.0.0/6"]
)
LISTS = st.lists(ENTRIES, max_size=4)
MODES: st.SearchStrategy[Mode] = st.sampled_from(["open", "allowlist", "off"])


def reach(mode: Mode, *allow: str) -> Reach:
    return Reach(mode, allow, ("pypi.test",))


@given(MODES, LISTS, LISTS, st.none() | LISTS, st.sampled_from([*NAMES, *ADDRESSES]))
def test_a_repositorys_list_never_widens(
    mode: Mode, allow: list[str], allowed: list[str], wanted: list[str] | None, host: str
) -> None:
    here = reach(mode, *allow)
    without = here.with_allowed(allowed).decide(host, 443)
    with_it = here.of_repository(wanted, allowed).decide(host, 443)
    assert without.allowed or not with_it.allowed
    assert with_it.kinds <= without.kinds
    for address in map(ipaddress.ip_address, ADDRESSES):
        assert without.admits(address) or not with_it.admits(address)


@given(MODES, LISTS, LISTS, LISTS)
def test_what_is_told_to_be_allowed_is(
    mode: Mode, allow: list[str], allowed: list[str], wanted: list[str]
) -> None:
    here = reach(mode, *allow)
    policy = here.of_repository(wanted, allowed)
    for entry in set(wanted) - set(here.refused(wanted, allowed)):
        if "/" not in entry:
            host = entry.replace("*.", "any.")
            assert policy.decide(host, 443).allowed


@pytest.mark.parametrize("mode", ["allowlist", "off"])
def test_where_names_are_listed_a_repository_only_asks(mode: Mode) -> None:
    here = reach(mode, "good.example.org")
    wanted = ["api.example.org", "good.example.org", "pypi.test"]
    refused = ["api.example.org"] if mode == "allowlist" else wanted
    assert here.refused(wanted, ()) == refused
    assert not here.of_repository(wanted, ()).decide("api.example.org", 443).allowed
    assert here.of_repository(wanted, ()).decide("pypi.test", 443).allowed == (mode != "off")


def test_an_admin_lets_one_repository_reach_more_unless_all_is_off() -> None:
    here = reach("allowlist")
    assert here.of_repository(None, ["api.example.org"]).decide("api.example.org", 443).allowed
    assert here.refused(["api.example.org", "other.example.org"], ["*.example.org"]) == []
    off = reach("off").of_repository(None, ["api.example.org"])
    assert not off.decide("api.example.org", 443).allowed


def test_where_all_is_open_a_list_narrows_to_it_and_the_registries() -> None:
    here = reach("open", "inside.example.org")
    policy = here.of_repository(["api.example.org"], ["admin.example.org"])
    for host in ("api.example.org", "pypi.test", "inside.example.org", "admin.example.org"):
        assert policy.decide(host, 443).allowed
    refused = policy.decide("other.example.org", 443)
    assert refused.reason == "other.example.org is not on the list of this repository."
    assert "Settings → Repositories" in refused.remedy
    assert here.of_repository(None, ()).decide("other.example.org", 443).allowed


def test_where_all_is_open_a_list_opens_nothing_private() -> None:
    here = reach("open")
    wanted = ["10.1.2.3", "hub.internal", "127.0.0.1"]
    policy = here.of_repository(wanted, ())
    assert not policy.decide("10.1.2.3", 80).allowed
    assert not policy.decide("hub.internal", 80).admits(ipaddress.ip_address("10.1.2.3"))
    assert here.refused(wanted, ()) == ["10.1.2.3", "127.0.0.1"]
    assert here.refused(["8.0.0.0/5", "10.0.0.0/8", "8.8.8.0/24", "0.0.0.0/0"], ()) == [
        "8.0.0.0/5",
        "10.0.0.0/8",
        "0.0.0.0/0",
    ]
    assert policy.covers("hub.internal")
    assert not policy.covers("other.example.org")
