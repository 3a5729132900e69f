"""What the agent is told when a person hands back: plain, and no longer than it is of use."""

import re

from bunkhouse_protocol.events import ChangedFile, DriveCommand
from bunkhouse_protocol.gateway import Handover

FILES = 100
COMMANDS = 50
"""As many are told, the newest; the log of the session keeps as many."""
_COMMAND_LENGTH = 500
_PATH_LENGTH = 500
_DIFF_LENGTH = 64 * 1024
"""In characters."""

_FENCE = re.compile(r"^\s*(`{3,})", re.MULTILINE)


def bounded(handover: Handover) -> Handover:
    """Cut down what a sandbox says to what is kept."""
    files = [
        file.model_copy(
            update={
                "path": file.path[:_PATH_LENGTH],
                "old_path": file.old_path and file.old_path[:_PATH_LENGTH],
            }
        )
        for file in handover.files[:FILES]
    ]
    commands = [
        command.model_copy(
            update={
                "command": _cut(command.command, _COMMAND_LENGTH),
                "cwd": command.cwd[:_PATH_LENGTH],
            }
        )
        for command in handover.commands[-COMMANDS:]
    ]
    diff = handover.diff[:_DIFF_LENGTH]
    truncated = handover.truncated or len(diff) < len(handover.diff)
    return Handover(files=files, diff=diff, truncated=truncated, commands=commands)


def text(
    driver: str, by: str, note: str | None, handover: Handover | None, *, more: int = 0
) -> str:
    """Write the prompt.

    `handover`: what was done, bounded; None where it can't be known. `more`: files beyond those.
    """
    parts = [_opening(driver, by)]
    if handover is None:
        parts.append(
            "What they did could not be found out. Look at the workspace before you rely on "
            "anything that you remember of it."
        )
    else:
        parts += [_files(handover, more), _commands(handover.commands)]
    if note and note.strip():
        parts.append(f"{by} says:\n\n{_quoted(note.strip())}")
    parts.append("Go on with what you were doing, and take this into account.")
    return "\n\n".join(part for part in parts if part)


def _opening(driver: str, by: str) -> str:
    opening = f"{driver} has worked in this sandbox in your place, and hands back to you."
    return opening if driver == by else f"{opening[:-1]} ({by} did that for them)."


def _files(handover: Handover, more: int) -> str:
    if not handover.files and not handover.diff:
        return "No file in the workspace was changed meanwhile."
    lines = ["Files that were changed:", "", *(_file(file) for file in handover.files)]
    if more:
        lines.append(f"- and {more} more")
    if handover.diff:
        cut = ", the beginning of it" if handover.truncated else ""
        fence = _fence(handover.diff)
        lines += ["", f"The diff{cut}:", "", f"{fence}diff", handover.diff.rstrip("\n"), fence]
    return "\n".join(lines)


def _file(file: ChangedFile) -> str:
    name = f"{file.old_path} → {file.path}" if file.old_path else file.path
    size = "binary" if file.binary else f"+{file.additions} -{file.deletions}"
    return f"- {_one_line(name)} ({file.status}, {size})"


def _commands(commands: list[DriveCommand]) -> str:
    if not commands:
        return ""
    printed = "\n".join(_command(command) for command in commands)
    fence = _fence(printed)
    return f"Commands that were run in a terminal:\n\n{fence}\n{printed}\n{fence}"


def _command(command: DriveCommand) -> str:
    ended = "still runs" if command.exit_code is None else f"exit code {command.exit_code}"
    return f"{_one_line(command.cwd)} $ {command.command}  # {ended}"


def _fence(inside: str) -> str:
    """Give a fence that nothing inside ends."""
    return "`" * max([3, *(len(found) + 1 for found in _FENCE.findall(inside))])


def _quoted(note: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in note.splitlines())


def _one_line(name: str) -> str:
    return " ".join(name.split())


def _cut(words: str, length: int) -> str:
    return words if len(words) <= length else words[: length - 1] + "…"
