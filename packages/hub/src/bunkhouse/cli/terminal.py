"""What is written to the terminal. What comes from a sandbox is cleaned first (`words.clean`)."""

import sys

from rich.console import Console

from bunkhouse.words import clean

_WIDTH = 200


def one_line(text: str, width: int = 100) -> str:
    """Give the first line, cleaned and shortened."""
    lines = clean(text).strip().splitlines()
    line = lines[0] if lines else ""
    return line if len(line) <= width and len(lines) <= 1 else line[: width - 1].rstrip() + "…"


def stdout() -> Console:
    """Give the console for results. A program that reads them gets whole columns."""
    width = None if sys.stdout.isatty() else _WIDTH
    return Console(highlight=False, soft_wrap=True, width=width)


def stderr() -> Console:
    """Give the console for what is said beside the results."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def interactive() -> bool:
    """Say whether a person sits there who can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def seconds(value: float) -> str:
    """Print a time as people say it: `0.4 s`, `12 s`, `3 min 5 s`."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 60:
        return f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def size(value: int) -> str:
    """Print bytes as people say it: `812 B`, `14 kB`, `2.3 MB`."""
    if value < 1000:
        return f"{value} B"
    unit, factor = ("kB", 1000) if value < 999_500 else ("MB", 1_000_000)
    shown = value / factor
    return f"{shown:.1f} {unit}".replace(".0 ", " ") if shown < 9.95 else f"{shown:.0f} {unit}"
