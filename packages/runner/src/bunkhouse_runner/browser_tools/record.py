"""Asks an MCP server for its tools and prints what `front` needs to know of them, as JSON.

`record.py PROGRAM [ARGUMENT…]`; run when the image is built. Standard library alone.
"""

import json
import subprocess
import sys
from typing import Any

PREFIX = "browser_"
"""Of the server's names. OpenCode puts the same before the names that it is told."""

HANDSHAKE: dict[str, Any] = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "bunkhouse", "version": "1"},
}


def main(program: list[str]) -> None:
    """Print `{"initialize": …, "tools": […]}`, both as the server answers, tools renamed."""
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        begun = _ask(server, 1, "initialize", HANDSHAKE)
        listed = _ask(server, 2, "tools/list", {})
        server.terminate()
    for tool in listed["tools"]:
        tool["name"] = tool["name"].removeprefix(PREFIX)
    # The front tells nothing by itself: the list does not change.
    begun["capabilities"] = {"tools": {}}
    json.dump({"initialize": begun, "tools": listed["tools"]}, sys.stdout)


def _ask(server: "subprocess.Popen[bytes]", number: int, method: str, params: Any) -> Any:
    assert server.stdin is not None  # noqa: S101 - both are pipes
    assert server.stdout is not None  # noqa: S101 - both are pipes
    request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    server.stdin.write(json.dumps(request).encode() + b"\n")
    server.stdin.flush()
    while line := server.stdout.readline():
        answer = json.loads(line)
        if answer.get("id") == number:
            return answer["result"]
    raise SystemExit(f"{server.args} ended before it answered {method}")


if __name__ == "__main__":
    main(sys.argv[1:])
