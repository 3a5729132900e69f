"""The hub's tools as OpenCode finds them, in as few words of MCP as it takes.

What the real ones do is tested with the real hub; here it is that OpenCode has them, what it sends
along, and how their calls are told.
"""

import json
from typing import Any

TOOLS = [
    {
        "name": "ask_person",
        "description": "Ask the people of this session.",
        "inputSchema": {
            "type": "object",
            "properties": {"question": {"type": "string"}},
            "required": ["question"],
        },
    }
]


def answered(message: dict[str, Any], *, refuses: bool = False) -> bytes:
    """The HTTP answer to a message of a client. `refuses`: the tool says that it won't."""
    match message["method"]:
        case "initialize":
            result: dict[str, Any] = {
                "protocolVersion": message["params"]["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "bunkhouse", "version": "1"},
            }
        case "tools/list":
            result = {"tools": TOOLS}
        case "tools/call":
            words = "No turn runs. (no_turn)" if refuses else "Ada answered: Red"
            result = {"content": [{"type": "text", "text": words}], "isError": refuses}
        case _:
            return b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
    head = (
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
