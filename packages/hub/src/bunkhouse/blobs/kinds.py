"""What some bytes are, by themselves: what somebody says of them may be wrong."""

import codecs
from typing import Literal

Mime = Literal["image/png", "image/jpeg", "image/webp", "image/gif"]
Kind = Mime | Literal["text/plain"]

_CONTROL = frozenset(range(32)) - {7, 8, 9, 10, 12, 13, 27}
"""Bytes that are in no text: all that `file` takes for a sign of something else."""


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


def kind_of(data: bytes) -> Kind | None:
    """Return the type of a picture, or `text/plain` for a text in UTF-8; None for all else."""
    return mime_of(data) or ("text/plain" if _is_text(data) else None)


def _is_text(data: bytes) -> bool:
    if not _CONTROL.isdisjoint(data):
        return False
    try:
        codecs.decode(data, "utf-8")
    except UnicodeDecodeError:
        return False
    return True
