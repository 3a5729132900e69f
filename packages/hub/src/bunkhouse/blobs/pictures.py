"""What kind of picture some bytes are, by how they begin."""

from typing import Literal

Mime = Literal["image/png", "image/jpeg", "image/webp", "image/gif"]


def mime_of(data: bytes) -> Mime | None:
    """Return the type of a picture; None where it is none that browsers are to be shown."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return None
