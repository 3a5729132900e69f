"""The pictures that tools give: from OpenCode's attachments to what the log says of them."""

import base64
import binascii
from collections.abc import Callable
from typing import Literal, cast

from bunkhouse_protocol.events import Picture
from bunkhouse_runner.agents.opencode.tools import Json

PICTURES = 16
"""More of one call are left out."""

_Mime = Literal["image/png", "image/jpeg", "image/webp", "image/gif"]
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG's markers of a frame, which say how large the picture is."""


def of_attachments(state: Json, keep: Callable[[bytes], str]) -> list[Picture]:
    """Keep the pictures of a tool part's state, and return what they are."""
    found: list[Picture] = []
    for attachment in cast("list[Json]", state.get("attachments") or [])[:PICTURES]:
        head, _, body = str(attachment.get("url") or "").partition(",")
        if not (head.startswith("data:") and head.endswith(";base64")):
            continue
        try:
            data = base64.b64decode(body)
        except binascii.Error:
            continue
        mime = _mime(data)
        if mime is not None:
            width, height = size_of(data)
            blob = keep(data)
            found.append(Picture(blob=blob, mime=mime, size=len(data), width=width, height=height))
    return found


def _mime(data: bytes) -> _Mime | None:
    """Return the type by how the bytes begin: what a tool says of them may be wrong."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def size_of(data: bytes) -> tuple[int | None, int | None]:
    """Return width and height in pixels, of a PNG or a JPEG; else None for both."""
    if data.startswith(b"\x89PNG") and data[12:16] == b"IHDR" and len(data) >= 24:
        return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    if data.startswith(b"\xff\xd8"):
        at = 2
        while at + 9 <= len(data) and data[at] == 0xFF:
            if data[at + 1] in _FRAMES:
                return int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None, None
