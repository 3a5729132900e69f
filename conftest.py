"""Where tests run: what needs the engine or a browser stays together on one worker of xdist."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two such tests at once would only slow each other down, into their timeouts."""
    for item in items:
        if item.get_closest_marker("engine") or item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("machine"))
