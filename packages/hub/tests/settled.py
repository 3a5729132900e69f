"""Settings for tests: of what a test says and of the environment, not of anybody's `.env`."""

from typing import Any

from bunkhouse.settings import Settings


class _Settings(Settings, env_file=None):
    pass


def settled(**values: Any) -> Settings:
    return _Settings(**values)
