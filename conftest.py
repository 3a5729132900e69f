"""Where tests run: what shares a hub with sandboxes stays together on one worker of xdist."""

import signal
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_LANES = {
    "tests/engine/": "sandboxes",
    "tests/browser/": "pages",
    "tests/chaos/": "pages",
}
"""What is on one lane has its hubs one after another; two lanes are about as long as each other."""


def pytest_configure() -> None:
    """A shell's background job ignores Ctrl+C, and what tests start would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """More than two hubs with sandboxes at once would only slow each other down, into timeouts."""
    return _Apart(config, log)


class _Apart(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        """Give the name of what goes to one worker together: the longest of these go first."""
        return next((lane for of, lane in _LANES.items() if nodeid.startswith(of)), nodeid)
