"""How OpenCode's tools are told to people: what kind of thing, on what object, with what result."""

import difflib
from pathlib import PurePath
from typing import Any, cast

from bunkhouse_protocol.events import ToolKind
from bunkhouse_runner.agents.opencode import browser, hub_tools

Json = dict[str, Any]
"""A JSON object, as OpenCode sent it."""

TITLE_CHARACTERS = 200
INPUT_CHARACTERS = 16 * 1024
"""Longer values of a tool's input are cut: what a write wrote is in its diff already."""
DIFF_CHARACTERS = 256 * 1024

_KINDS: dict[str, ToolKind] = {
    "apply_patch": "edit",
    "bash": "execute",
    "codesearch": "search",
    "edit": "edit",
    "glob": "search",
    "grep": "search",
    "list": "read",
    "multiedit": "edit",
    "patch": "edit",
    "question": "question",
    "read": "read",
    "skill": "read",
    "task": "think",
    "todoread": "think",
    "todowrite": "think",
    "webfetch": "fetch",
    "websearch": "search",
    "write": "edit",
}


def kind_of(tool: str) -> ToolKind:
    """Return what kind of thing a tool does."""
    if tool.startswith(browser.PREFIX):
        return browser.kind_of(tool)
    if tool.startswith(hub_tools.PREFIX):
        return hub_tools.kind_of(tool)
    return _KINDS.get(tool, "other")


def relative(path: str, workspace: PurePath) -> str:
    """Return a path as people in the workspace say it."""
    try:
        return str(PurePath(path).relative_to(workspace))
    except ValueError:
        return path


def title_of(tool: str, arguments: Json, workspace: PurePath, own: str = "") -> str:
    """Return the object of the verb in one line; `own` is OpenCode's title for it.

    Empty as long as the arguments are not known.
    """
    if tool.startswith(browser.PREFIX):
        return one_line(browser.title_of(tool, arguments))
    if tool.startswith(hub_tools.PREFIX):
        return one_line(hub_tools.title_of(tool, arguments))
    if not arguments:
        return ""
    match tool:
        case "read" | "edit" | "write" | "multiedit":
            title = relative(str(arguments.get("filePath", "")), workspace)
        case "list":
            title = relative(str(arguments.get("path") or workspace), workspace)
        case "glob" | "grep":
            title = str(arguments.get("pattern", ""))
            where = arguments.get("include") or arguments.get("path")
            if where:
                title += f" in {relative(str(where), workspace)}"
        case "question":
            title = _first_question(arguments)
        case "apply_patch" | "patch":
            title = ", ".join(_patched_files(str(arguments.get("patchText", ""))))
        case "todowrite":
            title = f"{len(cast('list[Any]', arguments.get('todos') or []))} todos"
        case "invalid":
            title = str(arguments.get("tool", ""))
        case _:
            names = ("command", "url", "query", "description", "name")
            title = next((str(arguments[name]) for name in names if arguments.get(name)), own)
    return one_line(title or own)


def one_line(text: str, limit: int = TITLE_CHARACTERS) -> str:
    """Return the first line of a text, shortened, with a mark where more follows."""
    stripped = text.strip()
    first, _, rest = stripped.partition("\n")
    if len(first) > limit:
        return first[: limit - 1].rstrip() + "…"
    return f"{first} …" if rest else first


def shortened(arguments: Json) -> Json:
    """Return a tool's input with overlong values cut."""
    return {name: _cut(value) for name, value in arguments.items()}


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > INPUT_CHARACTERS:
        left_out = len(value) - INPUT_CHARACTERS
        return f"{value[:INPUT_CHARACTERS]}\n… {left_out:,} more characters"
    if isinstance(value, list):
        return [_cut(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return shortened(cast("Json", value))
    return value


def ends_joined(head: bytes, tail: bytes, left_out: int) -> str:
    """Return the two ends of a long output with a line between them that says what is missing."""
    begin = head.decode(errors="ignore")
    end = tail.decode(errors="ignore")
    return f"{begin}{_gap(left_out)}{end}"


def between(head: bytes, tail: bytes, left_out: int) -> bytes:
    """Return the same as bytes, each end exactly as it is."""
    return head + _gap(left_out).encode() + tail


def _gap(left_out: int) -> str:
    return f"\n… {left_out:,} bytes left out …\n"


def tidy_diff(diff: str, workspace: PurePath) -> str | None:
    """Return OpenCode's diff as `git diff` would name the files, without its `Index:` lines."""
    lines = diff.splitlines(keepends=True)
    tidy: list[str] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith(("Index: ", "=====")):
            continue
        # A removed line may look like a header; a header has its other half beside it.
        if line.startswith("--- ") and following.startswith("+++ "):
            tidy.append(f"--- {_side('a', line, workspace)}\n")
        elif line.startswith("+++ ") and tidy and tidy[-1].startswith("--- "):
            tidy.append(f"+++ {_side('b', line, workspace)}\n")
        else:
            tidy.append(line)
    return limited("".join(tidy))


def _side(side: str, line: str, workspace: PurePath) -> str:
    name = line[4:].split("\t", maxsplit=1)[0].strip()
    return name if name == "/dev/null" else f"{side}/{relative(name, workspace)}"


def written_diff(path: str, before: str | None, after: str) -> str | None:
    """Return the unified diff of a whole file that was written; `before` None: it is new."""
    lines = difflib.unified_diff(
        (before or "").splitlines(keepends=True),
        after.splitlines(keepends=True),
        "/dev/null" if before is None else f"a/{path}",
        f"b/{path}",
    )
    text = "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
    return limited(text)


def limited(diff: str) -> str | None:
    """Return the diff, or None where there is none or it is too long to be looked at."""
    return diff if diff and len(diff) <= DIFF_CHARACTERS else None


def _first_question(arguments: Json) -> str:
    questions = cast("list[Json]", arguments.get("questions") or [])
    return str(questions[0].get("question", "")) if questions else ""


def _patched_files(patch: str) -> list[str]:
    marks = ("*** Add File: ", "*** Update File: ", "*** Delete File: ")
    return [line.split(": ", 1)[1] for line in patch.splitlines() if line.startswith(marks)]
