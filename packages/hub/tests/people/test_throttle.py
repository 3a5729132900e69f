"""How often wrong secrets may be tried."""

from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from bunkhouse.errors import NotFound, TooManyTries, Unauthorized
from bunkhouse.people import throttle
from bunkhouse.people.throttle import Throttle


@dataclass
class Seconds:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def limits(seconds: Seconds) -> Throttle:
    return Throttle(tries=3, total=10, begins=2, seconds=60, clock=seconds)


def wrong(limits: Throttle, address: str | None, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(Unauthorized), limits.attempt(address):
            raise Unauthorized("wrong")


def right(limits: Throttle, address: str | None) -> None:
    with limits.attempt(address):
        pass


def refused(limits: Throttle, address: str | None) -> int:
    with pytest.raises(TooManyTries) as told, limits.attempt(address):
        raise AssertionError("it was let through")
    assert told.value.retry_after is not None
    return told.value.retry_after


def test_one_that_is_wrong_too_often_waits_until_the_first_is_old(
    limits: Throttle, seconds: Seconds
) -> None:
    with capture_logs() as logs:
        wrong(limits, "192.0.2.1")
        seconds.now += 10
        wrong(limits, "192.0.2.1", 2)
        assert refused(limits, "192.0.2.1") == 50
    assert [(each["event"], each["address"]) for each in logs] == [
        ("sign_in_throttled", "192.0.2.1")
    ]
    seconds.now += 49.5
    assert refused(limits, "192.0.2.1") == 1
    seconds.now += 0.5
    right(limits, "192.0.2.1")
    wrong(limits, "192.0.2.1")
    refused(limits, "192.0.2.1")


def test_others_do_not_wait_for_that(limits: Throttle) -> None:
    wrong(limits, "192.0.2.1", 3)
    refused(limits, "192.0.2.1")
    right(limits, "192.0.2.2")
    right(limits, None)


def test_what_is_right_is_not_counted_and_neither_are_other_errors(limits: Throttle) -> None:
    for _ in range(9):
        right(limits, "192.0.2.1")
        with pytest.raises(ZeroDivisionError), limits.attempt("192.0.2.1"):
            raise ZeroDivisionError
    with pytest.raises(NotFound), limits.attempt("192.0.2.1"):
        raise NotFound("wrong as well")
    wrong(limits, "192.0.2.1", 2)
    refused(limits, "192.0.2.1")


def test_many_addresses_together_lock_out_nobody_who_was_never_wrong(
    limits: Throttle, seconds: Seconds
) -> None:
    for number in range(10):
        wrong(limits, f"192.0.2.{number}")
    assert refused(limits, "192.0.2.3") == 60
    right(limits, "198.51.100.1")
    wrong(limits, "198.51.100.1")
    refused(limits, "198.51.100.1")
    seconds.now += 60
    right(limits, "192.0.2.3")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("a socket", "another", False),
        (None, "unknown", True),
    ],
)
def test_what_is_one_address(limits: Throttle, one: str | None, other: str, *, same: bool) -> None:
    wrong(limits, one, 3)
    if same:
        refused(limits, other)
    else:
        right(limits, other)


def test_begins_are_counted_by_themselves(limits: Throttle, seconds: Seconds) -> None:
    for _ in range(2):
        limits.begin("192.0.2.1")
    with pytest.raises(TooManyTries):
        limits.begin("192.0.2.1")
    limits.begin("192.0.2.2")
    right(limits, "192.0.2.1")
    seconds.now += 60
    limits.begin("192.0.2.1")


def test_what_is_known_is_bounded(limits: Throttle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "_MOST_ADDRESSES", 3)
    for number in range(9):
        wrong(limits, f"192.0.2.{number}")
    known = limits._wrong._times  # pyright: ignore[reportPrivateUsage]
    assert list(known) == ["192.0.2.6", "192.0.2.7", "192.0.2.8"]
