"""Words for what agents do, and what their own words must not do.

Text that comes from a sandbox is hostile: an escape sequence in it could rewrite what a person
has seen, or what their terminal does. `clean` takes control characters out of everything such.
"""

import re
from collections.abc import Mapping
from typing import Final

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

DID: Final[Mapping[str, str]] = {
    "read": "read",
    "edit": "edited",
    "delete": "deleted",
    "move": "moved",
    "search": "searched",
    "execute": "ran",
    "fetch": "fetched",
    "question": "asked",
}
"""What a tool did, by its kind. Tools of other kinds are called by their names."""


def clean(text: str) -> str:
    """Leave out control characters except line ends and tabs, and what turns reading around."""
    return _CONTROL.sub("", text)
