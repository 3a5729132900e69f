"""How text and JSON are stored: without NUL.

Postgres keeps no NUL in text, and takes JSON with an escaped one but fails when it is asked for a
field of it. So on both stores each becomes the sign for what can't be shown, of the same length.
"""

import json
import re
from typing import Any

_LOST = "\ufffd"
_ESCAPED_NUL = re.compile(r"(\\\\)|\\u0000")
r"""Two backslashes are one that was in the text: what follows them is no escape."""


def text(value: str) -> str:
    """As it is stored."""
    return value.replace("\0", _LOST)


def dumps(value: Any) -> str:
    """JSON, as it is stored."""
    written = json.dumps(value)
    if r"\u0000" not in written:
        return written
    return _ESCAPED_NUL.sub(lambda found: found[1] or r"\ufffd", written)
