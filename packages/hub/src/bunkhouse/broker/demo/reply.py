"""What a script of the demo model wants said and done in one step."""

from dataclasses import dataclass, field
from typing import Literal

from bunkhouse.broker.demo.toolbox import Call

INTRODUCTION = (
    "I am Bunkhouse's demo model: a script, and no intelligence. "
    "What I do is fixed in advance, but the tools, the files and the commands are real."
)
"""The first words of every turn."""


@dataclass(frozen=True)
class Failure:
    """An answer that is an error, as a provider would give it."""

    status: int
    message: str
    kind: str
    retry_after: int | None = None


@dataclass(frozen=True)
class Reply:
    """One answer of the model. With `calls` the agent comes back with what they gave."""

    text: str = ""
    thought: str = ""
    calls: list[Call] = field(default_factory=list[Call])
    speed: float | None = None
    """Words per second; 0 as fast as can be; None as set for the installation."""
    ending: Literal["whole", "break", "hang"] = "whole"
    """`break`: the connection breaks off after the text; `hang`: nothing more ever comes."""
    failure: Failure | None = None
