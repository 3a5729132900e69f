"""The editor's settings file: a person's own settings, laid over the image's defaults.

The file is JSON with comments and trailing commas, since people edit it by hand.
"""

import json
import re
from pathlib import Path
from typing import Any, cast

LARGEST_BYTES = 256 * 1024
_TOKENS = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.S)
_TRAILING = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])')


def parse(text: str) -> dict[str, Any]:
    """Read settings; what is no object counts as none."""
    plain = _TOKENS.sub(lambda found: found[1] or " ", text)
    plain = _TRAILING.sub(lambda found: found[1] or "", plain)
    try:
        found = json.loads(plain)
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def read(path: Path) -> dict[str, Any]:
    """Read a file of settings; {} where there is none or it is too large."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError:
        return {}
    if len(content) > LARGEST_BYTES:
        return {}
    return parse(content.decode(errors="replace"))


def laid_over(defaults: dict[str, Any], own: dict[str, Any]) -> str:
    """Return the text of the file."""
    return json.dumps({**defaults, **own}, indent=2, sort_keys=True) + "\n"


def differing(defaults: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Return what is not as the defaults have it."""
    nothing = object()
    return {key: value for key, value in found.items() if defaults.get(key, nothing) != value}
