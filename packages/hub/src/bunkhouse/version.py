"""The version of this installation."""

from importlib.metadata import version as _installed


def version() -> str:
    """Give the version of the distribution, as `1.2.3`."""
    return _installed("bunkhouse")
