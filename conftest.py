"""Where tests run: what needs the engine or a browser stays together on one worker of xdist."""

import signal

import pytest


def pytest_configure() -> None:
    """A shell's background job ignores Ctrl+C, and what tests start would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two such tests at once would only slow each other down, into their timeouts."""
    for item in items:
        if item.get_closest_marker("engine") or item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("machine"))
