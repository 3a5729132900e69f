"""How often wrong secrets may be tried: from one address, and in all.

A sliding window, in the memory of this hub, and bounded. It goes by address alone: by account,
anybody could shut somebody else out. For the same reason the limit of all together shuts out only
addresses that have been wrong themselves: whoever comes for the first time gets one try whatever
others do.
"""

import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from math import ceil

import structlog

from bunkhouse.errors import NotFound, TooManyTries, Unauthorized
from bunkhouse.settings import Settings

_MOST_ADDRESSES = 10_000
_audit = structlog.get_logger("bunkhouse.audit")


class Window:
    """What each address did within the last `seconds`, up to `limit` times.

    Knows `_MOST_ADDRESSES` at most; those that were quiet for longest are forgotten first.
    """

    def __init__(self, limit: int, seconds: float, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def note(self, address: str) -> bool:
        """Count one more; say whether it is the one that reaches the limit."""
        times = self._times.setdefault(address, deque(maxlen=self._limit))
        self._times.move_to_end(address)
        while len(self._times) > _MOST_ADDRESSES:
            self._times.popitem(last=False)
        before = self.wait(address)
        times.append(self._clock())
        return before == 0 and self.wait(address) > 0

    def wait(self, address: str) -> float:
        """Say for how many seconds an address has to wait; 0: it has not reached the limit."""
        times = self._recent(address)
        if len(times) < self._limit:
            return 0
        return times[0] + self._seconds - self._clock()

    def rest(self, address: str) -> float:
        """Say in how many seconds nothing is counted of an address any more."""
        times = self._recent(address)
        return times[-1] + self._seconds - self._clock() if times else 0

    def _recent(self, address: str) -> deque[float]:
        times = self._times.get(address, deque[float]())
        while times and times[0] + self._seconds <= self._clock():
            times.popleft()
        return times


class Throttle:
    """Limits tries. `clock` gives seconds that only grow.

    `tries`: wrong ones from one address within `seconds`; `total`: from all of them together;
    `begins`: how often browsers of one address may be sent to a provider.
    """

    def __init__(
        self,
        *,
        tries: int = 20,
        total: int = 1000,
        begins: int = 100,
        seconds: float = 600,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wrong = Window(tries, seconds, clock)
        self._all = Window(total, seconds, clock)
        self._begun = Window(begins, seconds, clock)

    @classmethod
    def of(cls, settings: Settings) -> "Throttle":
        """Make it as the settings say."""
        return cls(
            tries=settings.sign_in_tries,
            total=settings.sign_in_tries_total,
            begins=settings.sign_in_begins,
            seconds=settings.sign_in_tries_seconds,
        )

    @contextmanager
    def attempt(self, address: str | None) -> Generator[None]:
        """Let somebody try a secret in the block, which raises if it is wrong.

        Raises:
            TooManyTries: not now.
        """
        key = _key(address)
        waiting = self._wrong.wait(key)
        if not waiting and self._all.wait(""):
            # One that has not been wrong yet does not pay for others.
            waiting = min(self._wrong.rest(key), self._all.wait(""))
        if waiting > 0:
            raise _later(waiting)
        try:
            yield
        except (NotFound, Unauthorized):
            if self._wrong.note(key):
                _audit.warning("sign_in_throttled", address=key)
            if self._all.note(""):
                _audit.warning("sign_in_throttled", address=None)
            raise

    def begin(self, address: str | None) -> None:
        """Let a browser be sent to a provider, of which the hub keeps note.

        Raises:
            TooManyTries: not now.
        """
        key = _key(address)
        waiting = self._begun.wait(key)
        if waiting > 0:
            raise _later(waiting)
        self._begun.note(key)


def _later(seconds: float) -> TooManyTries:
    return TooManyTries(
        "There were too many attempts from your address.",
        remedy="Wait a while and try again. An admin may raise BUNKHOUSE_SIGN_IN_TRIES.",
        retry_after=ceil(seconds),
    )


def _key(address: str | None) -> str:
    """What counts as one address: of IPv6 the network, in which one machine has all of them."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or "unknown"
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))
