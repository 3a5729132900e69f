"""Reading `.bunkhouse/config.toml`, which anybody may have written who can write to the repository.

What can't be used is left out, and named with its line; the rest counts. A list of commands is one
thing, since to run some of them only could do worse than none; variables and hosts are one each.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

from pydantic import BaseModel, ValidationError

from bunkhouse.broker.repository_settings import shape
from bunkhouse.broker.repository_settings.shape import (
    ConfigToml,
    EgressPart,
    Limits,
    SetupPart,
    Values,
)
from bunkhouse_protocol.configuring import CONFIG, ConfigFile

_SHOWN = 80
"""Characters of a name out of the file that are shown."""
_TOLD = 12
"""Troubles of one file that are told."""
_TABLE = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?")
_KEY = re.compile(r"""\s*(?:"([^"\\]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*[.=]""")
_DEEP = re.compile(r"""(?<![\w.-])(?:(?>[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*+\.[ \t]*+){100}""")
"""A key of so many parts: the parser takes time by their square, and nobody needs one."""
_AT = re.compile(r"\(at line (\d+), column \d+\)")

_Shape = TypeVar("_Shape", bound=BaseModel)

Status = Literal["absent", "read", "in_part", "unusable"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something in the file that can't be used."""

    what: str
    """`setup.commands`, or the whole file."""
    why: str
    """In words that follow that."""
    line: int | None = None

    def __str__(self) -> str:
        """In a sentence."""
        at = "" if self.line is None else f", line {self.line}"
        return f"`{CONFIG}`{at}: {self.what} {self.why}."


@dataclass(frozen=True, slots=True)
class Found:
    """What a file says, as far as it can be used."""

    values: Values
    status: Status
    troubles: tuple[Trouble, ...] = ()


def parse(given: ConfigFile, limits: Limits) -> Found:
    """Read a file. Never raises for what is in it."""
    text = given.text
    too_large = f"is larger than {limits.file_bytes:,} bytes"
    if given.trouble is not None:
        why = {"no_file": "is not a plain file", "no_text": "is not a text in UTF-8"}
        return _unusable(why.get(given.trouble, too_large))
    if text is None:
        return Found(Values(), "absent")
    if len(text.encode(errors="replace")) > limits.file_bytes:
        return _unusable(too_large)
    if _DEEP.search(text):
        return _unusable("has a key of a hundred parts or more")
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError, OverflowError) as error:
        said = str(error)
        at = _AT.search(said)
        deep = isinstance(error, RecursionError)
        why = "it is nested too deeply" if deep else _clean(_AT.sub("", said).strip())
        return _unusable(f"is not TOML ({why})", int(at[1]) if at else None)
    return _Reading(text, limits).read(data)


def _unusable(why: str, line: int | None = None) -> Found:
    return Found(Values(), "unusable", (Trouble("the file", why, line),))


class _Reading:
    def __init__(self, text: str, limits: Limits) -> None:
        self._lines = _lines(text)
        self._limits = limits
        self._troubles: list[Trouble] = []

    def read(self, data: Mapping[str, Any]) -> Found:
        for name in data:
            if name not in ConfigToml.model_fields:
                known = ", ".join(f"`{each}`" for each in ConfigToml.model_fields)
                self._trouble((name,), f"is not known; there are {known}")
        values = Values(
            model=self._model(data),
            **self._setup(data),
            environment=self._environment(data.get("environment")),
            egress=self._egress(data.get("egress")),
        )
        troubles = self._troubles
        if len(troubles) > _TOLD:
            more = Trouble("it", f"has {len(troubles) - _TOLD} more of the kind")
            troubles = [*troubles[:_TOLD], more]
        status: Status = "in_part" if troubles else "read"
        return Found(values, status, tuple(troubles))

    def _model(self, data: Mapping[str, Any]) -> str | None:
        found = self._shaped(ConfigToml, {"model": data.get("model")}, ())
        return None if found is None else found.model

    def _setup(self, data: Mapping[str, Any]) -> dict[str, Any]:
        if "setup" not in data:
            return {}
        found = self._shaped(SetupPart, data["setup"], ("setup",))
        if found is None:
            return {}
        why = shape.about_commands(found.commands, self._limits)
        if why is not None:
            self._trouble(("setup", "commands"), why)
            return {"seconds": found.seconds}
        commands = tuple(found.commands) if "commands" in found.model_fields_set else None
        return {"commands": commands, "seconds": found.seconds}

    def _environment(self, given: object) -> dict[str, str] | None:
        if given is None:
            return None
        if not isinstance(given, dict):
            self._trouble(("environment",), "is not a table of names and texts")
            return None
        variables = cast("dict[str, object]", given)
        kept: dict[str, str] = {}
        for name, value in variables.items():
            if not isinstance(value, str):
                self._trouble(("environment", name), "is not a text; put it in quotation marks")
            elif why := shape.about_variable(name, value, self._limits):
                self._trouble(("environment", name), why)
            else:
                kept[name] = value
        if why := shape.about_variables(kept, self._limits):
            self._trouble(("environment",), why)
            return None
        return kept

    def _egress(self, given: object) -> tuple[str, ...] | None:
        if given is None:
            return None
        found = self._shaped(EgressPart, given, ("egress",))
        if found is None:
            return None
        if why := shape.about_hosts(found.allow, self._limits):
            self._trouble(("egress", "allow"), why)
            return None
        kept: list[str] = []
        for entry in found.allow:
            if why := shape.about_host(entry):
                self._trouble(("egress", "allow"), f"has “{_clean(entry)}”, which {why}")
            else:
                kept.append(entry.strip())
        return tuple(dict.fromkeys(kept))

    def _shaped(self, kind: type[_Shape], given: object, path: tuple[str, ...]) -> _Shape | None:
        try:
            return kind.model_validate(given)
        except ValidationError as error:
            for each in error.errors(include_url=False, include_context=False, include_input=False):
                self._trouble((*path, *each["loc"]), _why(each["type"], each["msg"]))
            return None

    def _trouble(self, path: tuple[str | int, ...], why: str) -> None:
        names = [part for part in path if isinstance(part, str)]
        line = None
        while names and line is None:
            line = self._lines.get(tuple(names))
            names.pop()
        self._troubles.append(Trouble(f"`{_shown(path)}`", why, line))


_WORDS = {
    "extra_forbidden": "is not known",
    "missing": "is missing",
    "string_type": "is not a text; put it in quotation marks",
    "list_type": "is not a list",
    "float_type": "is not a number",
    "string_too_short": "is empty",
}


def _why(kind: str, message: str) -> str:
    if kind in ("model_type", "model_attributes_type"):
        return "is not a table"
    return _WORDS.get(kind) or f"does not fit: {_clean(message).lower()}"


def _shown(path: tuple[str | int, ...]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return _clean(text).replace("`", "'")


def _clean(text: str) -> str:
    """What is shown of something that the file says."""
    plain = "".join(character if character.isprintable() else "�" for character in text)
    return plain if len(plain) <= _SHOWN else f"{plain[: _SHOWN - 1]}…"


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """In which line a key of the first two levels is, as far as can be seen without a grammar."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), 1):
        if header := _TABLE.fullmatch(line.rstrip("\r")):
            table = tuple(part.strip(" \t\"'") for part in header[1].split("."))
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            name = next(group for group in key.groups() if group is not None)
            found.setdefault((*table, name), number)
    return found
