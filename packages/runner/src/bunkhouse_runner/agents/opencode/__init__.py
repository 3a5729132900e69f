"""The bridge to OpenCode, by the HTTP interface of `opencode serve`."""

from bunkhouse_runner.agents.opencode.agent import OpenCode
from bunkhouse_runner.agents.opencode.limits import Limits

__all__ = ["Limits", "OpenCode"]
