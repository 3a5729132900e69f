"""Where tests run: what needs the engine or a browser stays together on one worker of xdist."""

import signal
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_MACHINE = ("tests/browser/", "tests/chaos/", "tests/engine/")


def pytest_configure() -> None:
    """A shell's background job ignores Ctrl+C, and what tests start would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Two hubs with sandboxes at once would only slow each other down, into their timeouts."""
    return _Apart(config, log)


class _Apart(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        """Give the name of what goes to one worker together: the longest of these goes first."""
        return "machine" if nodeid.startswith(_MACHINE) else nodeid
