"""What can be said of a repository's set-up, and what of it is refused whoever says it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, FailFast, Field

from bunkhouse.broker.egress.policy import Policy
from bunkhouse.errors import InvalidInput
from bunkhouse.settings import Settings

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")

REFUSED = frozenset(
    {
        "ALL_PROXY",
        "BASH_ENV",
        "BASHOPTS",
        "BUN_OPTIONS",
        "CURL_CA_BUNDLE",
        "DISPLAY",
        "ENV",
        "GOOGLE_API_KEY",
        "GOOGLE_GENERATIVE_AI_API_KEY",
        "HOME",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "IFS",
        "LOGNAME",
        "NODE_EXTRA_CA_CERTS",
        "NODE_OPTIONS",
        "NO_PROXY",
        "OLDPWD",
        "PATH",
        "PIP_CERT",
        "PROMPT_COMMAND",
        "PWD",
        "PYTHONHOME",
        "REQUESTS_CA_BUNDLE",
        "SHELL",
        "SHELLOPTS",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TERM",
        "USER",
    }
)
"""Variables on which the sandbox's own programs rely, in either case."""

REFUSED_PREFIXES = (
    "ANTHROPIC_",
    "BASH_FUNC_",
    "BUNKHOUSE_",
    "BUN_INSPECT",
    "GEMINI_",
    "GIT_",
    "GOOGLE_GEMINI_",
    "LD_",
    "OPENAI_",
    "OPENCODE_",
    "TMUX",
    "XDG_",
)
"""The same of all that begin so: the way to the models, git's door, the loader, our own."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be said of a repository's set-up."""

    file_bytes: int
    commands: int
    command_characters: int
    variables: int
    value_characters: int
    hosts: int
    seconds: float
    """That all commands may take together at most."""

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """As the installation sets them."""
        return cls(
            file_bytes=settings.config_bytes,
            commands=settings.set_up_commands,
            command_characters=settings.set_up_command_characters,
            variables=settings.set_up_variables,
            value_characters=settings.set_up_value_characters,
            hosts=settings.set_up_hosts,
            seconds=settings.set_up_commands_seconds,
        )


@dataclass(frozen=True, slots=True)
class Values:
    """What somebody says of a repository's set-up. None, and no variable: nothing of that."""

    model: str | None = None
    commands: tuple[str, ...] | None = None
    seconds: float | None = None
    environment: Mapping[str, str] | None = None
    egress: tuple[str, ...] | None = None
    """Of the file: what it wants to reach. Of an admin: what it may reach besides."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


Line = Annotated[str, Field(min_length=1)]


class SetupPart(_Part):
    """How the workspace is made ready to work in."""

    commands: Annotated[list[Line], FailFast()] = Field(
        default_factory=list[str],
        description="Run after the clone, in order, in `/workspace`, by a shell, as the agent's "
        "user. After one that fails no more are run.",
    )
    seconds: float | None = Field(
        None,
        gt=0,
        description="How long all of them may take together; never more than the installation's "
        "`BUNKHOUSE_SET_UP_COMMANDS_SECONDS`.",
    )


class EgressPart(_Part):
    """What the repository's work needs to reach."""

    allow: Annotated[list[Line], FailFast()] = Field(
        description="Names (`api.example.org`), patterns for all names below one "
        "(`*.example.org`), addresses and networks.",
    )


class ConfigToml(_Part):
    """All of the file."""

    model: Line | None = Field(
        None,
        max_length=200,
        description="`provider/model` of sessions for which a person chose none. It must be one "
        "that the installation offers.",
    )
    setup: SetupPart | None = Field(None, description="How the workspace is made ready.")
    environment: dict[str, str] | None = Field(
        None,
        description="Variables for the agent, terminals, the editor, `bunkhouse exec` and the "
        "set-up commands. Not for secrets: everybody in a session can read them.",
    )
    egress: EgressPart | None = Field(None, description="What it needs to reach.")


# ── what is wrong with it, in words that follow its name ─────────────────────────────────────


def about_commands(commands: Sequence[str], limits: Limits) -> str | None:
    """What is wrong with a list of commands."""
    if len(commands) > limits.commands:
        return f"has {len(commands)} commands; {limits.commands} are the most"
    for number, command in enumerate(commands, 1):
        if len(command) > limits.command_characters:
            return (
                f"has a command (number {number}) of {len(command):,} characters; "
                f"{limits.command_characters:,} are the most"
            )
        if not command.strip() or "\0" in command:
            return f"has a command (number {number}) that is none"
    return None


def about_variable(name: str, value: str, limits: Limits) -> str | None:
    """What is wrong with a variable."""
    if not _NAME.fullmatch(name):
        return "is not the name of a variable: letters, digits and _ alone, no digit first"
    if name.upper() in REFUSED or name.upper().startswith(REFUSED_PREFIXES):
        return "can't be set: the sandbox's own programs rely on it"
    if len(value) > limits.value_characters:
        return f"has {len(value):,} characters; {limits.value_characters:,} are the most"
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        return "has a character that no variable can have"
    return None


def about_variables(variables: Mapping[str, str], limits: Limits) -> str | None:
    """What is wrong with how many there are."""
    if len(variables) > limits.variables:
        return f"has {len(variables)} variables; {limits.variables} are the most"
    return None


def about_host(entry: str) -> str | None:
    """What is wrong with an entry of what is to be reached."""
    try:
        if not entry.strip():
            return "is empty"
        Policy("allowlist", [entry])
    except InvalidInput:
        return "is neither a name, a pattern (`*.example.org`), an address nor a network"
    return None


def about_hosts(entries: Sequence[str], limits: Limits) -> str | None:
    """What is wrong with how many there are."""
    if len(entries) > limits.hosts:
        return f"has {len(entries)} entries; {limits.hosts} are the most"
    return None
