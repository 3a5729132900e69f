"""The browser as OpenCode has it: its MCP server, and how its tools are told to people."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bunkhouse_protocol.events import ToolKind
from bunkhouse_protocol.places import BROWSER_PORT
from bunkhouse_runner import browser_tools

PREFIX = "browser_"
"""Before the names of its tools; OpenCode makes it of the server's name."""

RECORDED = Path("/usr/local/share/bunkhouse/browser-tools.json")
"""The list of tools, written when the image was built."""

_IDLE_SECONDS = 300
_CONNECT_MS = 90_000
"""The first connection starts the desktop."""
_CALL_MS = 150_000
_ACTION_MS = 10_000
_OUTPUT_BYTES = 64 * 1024 * 1024

_TITLES = {
    "close": "close the page",
    "console_messages": "the page's console",
    "navigate_back": "the page before",
    "network_requests": "the page's requests",
    "snapshot": "what the page says",
    "take_screenshot": "the page",
}
_NAMES = (
    "url", "element", "startElement", "text", "key", "regex", "textGone", "function", "code",
    "action", "target",
)  # fmt: skip
"""What says best, in one argument, on what a tool works; the first that is there."""


@dataclass(frozen=True, slots=True)
class BrowserTools:
    """How to reach the tools: the recorded list and the program that has them."""

    recorded: Path
    program: tuple[str, ...]

    def server(self, home: Path) -> dict[str, Any]:
        """Return the entry of OpenCode's configuration for it."""
        front = Path(browser_tools.__file__).with_name("front.py")
        output = home / ".cache/bunkhouse/browser"
        return {
            "type": "local",
            # -I -S: without what the agent's environment or its home would add.
            "command": [
                *(sys.executable, "-I", "-S", str(front)),
                *(str(self.recorded), str(_IDLE_SECONDS)),
                *self.program,
                *("--output-dir", str(output), "--output-max-size", str(_OUTPUT_BYTES)),
            ],
            "enabled": True,
            "timeout": _CALL_MS,
        }


def installed() -> BrowserTools | None:
    """Return what the image brought along; None where there is nothing of it."""
    program = shutil.which("playwright-mcp")
    if program is None or not RECORDED.is_file():
        return None
    options = {
        "--cdp-endpoint": f"http://127.0.0.1:{BROWSER_PORT}",
        "--cdp-timeout": str(_CONNECT_MS),
        "--timeout-action": str(_ACTION_MS),
        "--image-responses": "allow",
        "--codegen": "none",  # code of tests that nobody asked for, at the price of tokens
    }
    return BrowserTools(
        RECORDED, (program, *(word for option in options.items() for word in option))
    )


def kind_of(tool: str) -> ToolKind:
    """Return what kind of thing one of its tools does."""
    return "fetch" if tool.removeprefix(PREFIX).startswith("navigate") else "other"


def title_of(tool: str, arguments: dict[str, Any]) -> str:
    """Return the object of the verb in words: an address, an element's description."""
    for name in _NAMES:
        value = arguments.get(name)
        if isinstance(value, str) and value:
            return value
    if isinstance(arguments.get("time"), int | float):
        return f"{arguments['time']} seconds"
    action = tool.removeprefix(PREFIX)
    return _TITLES.get(action, action.replace("_", " "))
