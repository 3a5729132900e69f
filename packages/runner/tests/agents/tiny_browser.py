"""A browser's MCP server with two tools and one page, for want of a browser. Run as a program."""

import base64
import json
import struct
import sys
import zlib
from typing import Any

WIDTH, HEIGHT = 3, 2


def png() -> bytes:
    """Return a red picture."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    rows = (b"\0" + b"\xff\0\0" * WIDTH) * HEIGHT
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


TOOLS: list[dict[str, Any]] = [
    {
        "name": "browser_navigate",
        "description": "Go to a page",
        "inputSchema": {
            "type": "object",
            "properties": {"url": {"type": "string"}},
            "required": ["url"],
        },
    },
    {
        "name": "browser_take_screenshot",
        "description": "Take a picture of the page",
        "inputSchema": {"type": "object", "properties": {}},
    },
]


def _answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method == "initialize":
        info = {"name": "tiny", "version": "1"}
        version = params["protocolVersion"]
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
    if method == "tools/list":
        return {"tools": TOOLS}
    if params["name"] == "browser_navigate":
        if params["arguments"]["url"] == "about:crash":
            sys.exit(1)
        return {"content": [{"type": "text", "text": f"At {params['arguments']['url']}"}]}
    picture = base64.b64encode(png()).decode()
    return {
        "content": [
            {"type": "text", "text": "Took it."},
            {"type": "image", "data": picture, "mimeType": "image/png"},
        ]
    }


if __name__ == "__main__":
    for line in sys.stdin:
        asked = json.loads(line)
        if "id" in asked:
            result = _answer(asked["method"], asked.get("params") or {})
            print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
