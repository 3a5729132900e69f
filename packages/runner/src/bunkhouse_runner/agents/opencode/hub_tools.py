"""The hub's own tools as OpenCode has them: its MCP server, and how they are told to people."""

from pathlib import Path
from typing import Any

from bunkhouse_protocol.events import ToolKind

SERVER = "bunkhouse"
PREFIX = f"{SERVER}_"
"""Before the names of its tools; OpenCode makes it of the server's name."""

_NAMES = ("question", "title", "caption", "path", "session_id", "prompt")
"""What says best, in one argument, on what a tool works; the first that is there."""

_TITLES = {
    "end_session": "this session, after this turn",
    "open_pull_request": "the work so far",
    "pull_request_status": "the pull request",
    "post_screenshot": "a picture",
}


def server(doors_url: str, token: Path, seconds: float) -> dict[str, Any]:
    """Return the entry of OpenCode's configuration for it.

    `token`: the file that holds the sandbox's; OpenCode reads it. A call may take `seconds`, after
    which the runner takes a tool that says nothing for stalled anyway.
    """
    return {
        "type": "remote",
        "url": f"{doors_url}/tools",
        "headers": {"Authorization": f"Bearer {{file:{token}}}"},
        "oauth": False,  # there is nobody to sign in
        "enabled": True,
        "timeout": int(seconds * 1000),
    }


def kind_of(tool: str) -> ToolKind:
    """Return what kind of thing one of them does."""
    return "question" if tool.removeprefix(PREFIX) == "ask_person" else "other"


def title_of(tool: str, arguments: dict[str, Any]) -> str:
    """Return the object of the verb in words: the question, a title."""
    for name in _NAMES:
        value = arguments.get(name)
        if isinstance(value, str) and value.strip():
            return value
    return _TITLES.get(tool.removeprefix(PREFIX), "")
