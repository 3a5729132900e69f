"""Files that came with a prompt, as a request to the model carries them.

Each has a part of text that says what it is called (`Attached file: NAME (TYPE, N bytes)`). A text
file's content follows in the same part after an empty line; a picture is the next part, with its
bytes in a `data:` URL. What is told of them here is what arrived, not what was said.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any, cast

Json = dict[str, Any]

_LABEL = re.compile(r"Attached file: (.+) \(([\w./+-]+), \d+ bytes\)(?:\n\n(.*))?", re.DOTALL)
_DATA = re.compile(r"data:([\w./+-]+);base64,(.*)", re.DOTALL)


@dataclass(frozen=True)
class Attached:
    """A file that arrived."""

    name: str
    mime: str
    size: int
    """In bytes."""


def attached_to(content: object) -> list[Attached]:
    """The files of a message's content."""
    found: list[Attached] = []
    name: str | None = None
    for part in _parts(content):
        label = _LABEL.fullmatch(str(part.get("text", "")))
        if label is not None and label[3] is not None:
            found.append(Attached(label[1], label[2], len(label[3].encode())))
        elif label is not None:
            name = label[1]
        elif part.get("type") == "image_url":
            found.append(_picture(name or "a picture", part))
            name = None
    return found


def without_files(content: object) -> list[Json]:
    """The parts of a content that a person typed."""
    return [part for part in _parts(content) if not _LABEL.fullmatch(str(part.get("text", "")))]


def told(files: list[Attached]) -> str:
    """A sentence about what arrived."""
    listed = ", ".join(f"`{file.name}` ({file.mime}, {file.size:,} bytes)" for file in files)
    return f"I was given {len(files)} file{'s' if len(files) != 1 else ''}: {listed}."


def _parts(content: object) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        return []
    return [cast("Json", part) for part in cast("list[object]", content) if isinstance(part, dict)]


def _picture(name: str, part: Json) -> Attached:
    url: object = part.get("image_url")
    written = cast("Json", url).get("url") if isinstance(url, dict) else None
    data = _DATA.fullmatch(str(written))
    if data is None:
        return Attached(name, "no data", 0)
    try:
        return Attached(name, data[1], len(base64.b64decode(data[2], validate=True)))
    except binascii.Error:
        return Attached(name, "broken data", 0)
