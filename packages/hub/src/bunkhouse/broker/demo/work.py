"""The script without a name: a small piece of real work in whatever repository it finds.

It looks around, keeps a list of things to do, writes a file of what it saw, edits it, checks it
with a command, and sums up. Steps for which the agent has no tool are left out.
"""

import re
from collections.abc import Callable

from bunkhouse.broker.demo.conversation import Turn
from bunkhouse.broker.demo.reply import INTRODUCTION, Reply
from bunkhouse.broker.demo.toolbox import Call
from bunkhouse_protocol.places import WORKSPACE

_LOOK = (
    "pwd; echo '--- log'; git log --oneline -n 5 2>/dev/null; "
    "echo '--- tracked'; git ls-files 2>/dev/null | wc -l; "
    "echo '--- here'; ls -Ap | grep -v '^.git/$' | head -n 60"
)
_SECTION = re.compile(r"^--- (\w+)$", re.MULTILINE)
_UNCHECKED = "Checked: not yet."
_CHECKED = "Checked: yes, `git status` shows this file as new."

_PLAN = (
    "Look around in the repository",
    "Write down what is there",
    "Check the file with a command",
    "Sum up",
)


def work(turn: Turn) -> Reply:
    """The next step of the work."""
    steps = [step for deeds, step in _STEPS if any(turn.tools.name_of(deed) for deed in deeds)]
    if turn.step < len(steps):
        return steps[turn.step](turn)
    return _sum_up(turn)


def _look(turn: Turn) -> Reply:
    return Reply(
        thought="A prompt without a script's name, so this is the usual tour: look around first, "
        "then leave a file behind that shows what I saw.",
        text=f"{INTRODUCTION} I will look around here, write a file, check it and sum up.",
        calls=turn.tools.calls(
            _plan(turn, at=0),
            turn.tools.call(
                "shell", command=_LOOK, description="Look at the repository and its history"
            ),
        ),
    )


def _read(turn: Turn) -> Reply:
    readme = _readme(turn)
    return Reply(
        text=f"Git keeps {_counted(turn)} here. Let me see what the project says of itself.",
        calls=turn.tools.calls(
            turn.tools.call("find", pattern="*.md"),
            turn.tools.call("read", path=_path(turn, readme)) if readme else None,
        ),
    )


def _write(turn: Turn) -> Reply:
    return Reply(
        thought="The log, the files and the README are known; that is enough for a short note.",
        text="I write down what I saw.",
        calls=turn.tools.calls(
            _plan(turn, at=1),
            turn.tools.call("write", path=_path(turn, _new_name(turn)), content=_note(turn)),
        ),
    )


def _edit(turn: Turn) -> Reply:
    return Reply(
        text="Now the line that says whether it was checked.",
        calls=turn.tools.calls(
            turn.tools.call("edit", path=_written(turn), old=_UNCHECKED, new=_CHECKED)
        ),
    )


def _check(turn: Turn) -> Reply:
    name = _written(turn).rpartition("/")[2]
    return Reply(
        text="And a command to see that it is really there.",
        calls=turn.tools.calls(
            _plan(turn, at=2),
            turn.tools.call(
                "shell",
                command=f"git status --short; wc -l {name}; grep -n Checked {name}",
                description="Check the new file",
            ),
        ),
    )


def _tick(turn: Turn) -> Reply:
    return Reply(text="All done.", calls=turn.tools.calls(_plan(turn, at=len(_PLAN))))


def _sum_up(turn: Turn) -> Reply:
    if not turn.done:
        return Reply(
            text=f"{INTRODUCTION} This agent offered me no tool that I know, so there is nothing "
            "that I can do here but talk."
        )
    name = _written(turn).rpartition("/")[2]
    checked = turn.results(turn.tools.name_of("shell"))
    last = checked[-1].strip() if len(checked) > 1 else ""
    lines = [
        "## What I did",
        "",
        f"- looked at the newest commits and the {_counted(turn)} that git keeps,",
        f"- wrote `{name}` and changed one line of it,",
        "- checked it with a command, which said:",
        "",
        "```text",
        _short(last) or "(nothing)",
        "```",
        "",
        "All of it happened in this session's own sandbox; nothing outside was touched. "
        "The file is in the **Changes** tab. With a real model, this is where the answer to your "
        "prompt would be.",
    ]
    return Reply(text="\n".join(lines))


_STEPS: tuple[tuple[tuple[str, ...], Callable[[Turn], Reply]], ...] = (
    (("plan", "shell"), _look),
    (("find",), _read),
    (("write",), _write),
    (("edit",), _edit),
    (("shell",), _check),
    (("plan",), _tick),
)


def _plan(turn: Turn, *, at: int) -> Call | None:
    todos = [
        {
            "id": str(place + 1),
            "content": content,
            "status": "completed" if place < at else "in_progress" if place == at else "pending",
            "priority": "medium",
        }
        for place, content in enumerate(_PLAN)
    ]
    return turn.tools.call("plan", todos=todos)


def _sections(turn: Turn) -> dict[str, str]:
    """What the first command printed, by its headings; `pwd` comes before the first."""
    seen = next(iter(turn.results(turn.tools.name_of("shell"))), "")
    parts = _SECTION.split(seen)
    found = {"pwd": parts[0].strip()}
    found.update({name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)})
    return found


def _here(turn: Turn) -> list[str]:
    return [line.strip() for line in _sections(turn).get("here", "").splitlines() if line.strip()]


def _tracked(turn: Turn) -> int:
    number = re.match(r"\d+", _sections(turn).get("tracked", ""))
    return int(number[0]) if number else 0


def _counted(turn: Turn) -> str:
    count = _tracked(turn)
    return "one file" if count == 1 else f"{count} files"


def _readme(turn: Turn) -> str | None:
    return next((name for name in _here(turn) if name.lower().startswith("readme")), None)


def _path(turn: Turn, name: str) -> str:
    folder = _sections(turn)["pwd"]
    return f"{folder if folder.startswith('/') else WORKSPACE}/{name}"


def _new_name(turn: Turn) -> str:
    taken = set(_here(turn))
    names = ["BUNKHOUSE_DEMO.md", *(f"BUNKHOUSE_DEMO_{number}.md" for number in range(2, 100))]
    return next((name for name in names if name not in taken), names[0])


def _written(turn: Turn) -> str:
    tool = turn.tools.name_of("write")
    for done in turn.done:
        if done.tool == tool:
            paths = [v for v in done.arguments.values() if isinstance(v, str) and v.endswith(".md")]
            if paths:
                return paths[0]
    return _path(turn, "BUNKHOUSE_DEMO.md")


def _note(turn: Turn) -> str:
    sections = _sections(turn)
    commits = [f"- `{line}`" for line in sections.get("log", "").splitlines() if line.strip()]
    entries = [f"- `{name}`" for name in _here(turn)]
    return "\n".join(
        [
            "# What the demo model saw",
            "",
            "Written by Bunkhouse's demo model, which is a script and no intelligence.",
            "",
            f"Tracked files: {_tracked(turn)}",
            "",
            "## The newest commits",
            "",
            *(commits or ["(none)"]),
            "",
            "## In the top folder",
            "",
            *(entries or ["(nothing)"]),
            "",
            _UNCHECKED,
            "",
        ]
    )


def _short(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(lines if len(lines) <= 12 else [*lines[:11], f"… {len(lines) - 11} more"])
