"""`[demo:NAME key=value …]` in a prompt chooses a script of the demo model and its parameters.

A value with spaces stands in quotes. Within double quotes `\\"` is a quote and `\\\\` a backslash;
within single quotes everything is itself. All else, line breaks included, is taken as it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_VALUE = r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|[^\s\]"']+)"""
_DIRECTIVE = re.compile(rf"\[demo:([a-z]+)((?:\s+[a-z_]+\s*=\s*{_VALUE})*)\s*\]", re.DOTALL)
_ARGUMENT = re.compile(rf"([a-z_]+)\s*=\s*({_VALUE})", re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')


@dataclass(frozen=True)
class Directive:
    """Which script to play, and how."""

    name: str
    arguments: Mapping[str, str] = field(default_factory=dict[str, str])

    def text(self, name: str, default: str) -> str:
        """A parameter as it was given."""
        return self.arguments.get(name, default)

    def number(self, name: str, default: float, *, least: float = 0, most: float = 1e6) -> float:
        """A parameter as a number between `least` and `most`; the default where it is none."""
        try:
            value = float(self.arguments[name])
        except (KeyError, ValueError):
            return default
        return min(max(value, least), most)

    def count(self, name: str, default: int, *, least: int = 0, most: int = 1_000_000) -> int:
        """A parameter as a whole number between `least` and `most`."""
        return int(self.number(name, default, least=least, most=most))


def directive_in(prompt: str) -> Directive | None:
    """The first directive of the prompt, if there is one."""
    match = _DIRECTIVE.search(prompt)
    if match is None:
        return None
    arguments = {name: _value(value) for name, value in _ARGUMENT.findall(match[2])}
    return Directive(match[1], arguments)


def _value(written: str) -> str:
    if written.startswith('"'):
        return _ESCAPED.sub(r"\1", written[1:-1])
    if written.startswith("'"):
        return written[1:-1]
    return written
