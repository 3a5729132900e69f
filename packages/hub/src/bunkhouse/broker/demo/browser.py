"""The script `browser`: opens a page in the sandbox's browser, looks at it, perhaps clicks."""

import re

from bunkhouse.broker.demo import talk
from bunkhouse.broker.demo.conversation import Turn
from bunkhouse.broker.demo.reply import INTRODUCTION, Reply
from bunkhouse.broker.demo.toolbox import Call

_REF = re.compile(r"\[ref=([^\]]+)\]")
_FENCED = re.compile(r"```\w*\n(.*?)\n```", re.DOTALL)
"""A snapshot's tree, where it comes with words around it."""

_WORDS = {
    "navigate": f"{INTRODUCTION} I open {{url}} in the browser.",
    "snapshot": "I read what the page says.",
    "screenshot": "And I take a picture of it.",
}


def browse(turn: Turn, url: str, click: str) -> Reply:
    """The next step: navigate, snapshot, picture; then, with `click`, click, snapshot, picture."""
    look = ["snapshot", "screenshot"]
    deeds = ["navigate", *look, *(["click", *look] if click else [])]
    if any(turn.tools.name_of(deed) is None for deed in deeds):
        return Reply(text=f"{INTRODUCTION} This agent offers no tool for that script.")
    step = turn.step
    if step == len(deeds):
        return Reply(text=_told(turn))
    if deeds[step] != "click":
        call = turn.tools.call(deeds[step], **({"url": url} if step == 0 else {}))
        return Reply(text=_WORDS[deeds[step]].format(url=url), calls=turn.tools.calls(call))
    ref = ref_of(click, "\n".join(turn.results(turn.tools.name_of("snapshot"))))
    if ref is None:
        return Reply(text=f"The page has nothing that says `{click}`.\n\n{_told(turn)}")
    call: Call | None = turn.tools.call("click", element=click, target=ref)
    return Reply(text=f"Now I click on “{click}”.", calls=turn.tools.calls(call))


def ref_of(text: str, snapshot: str) -> str | None:
    """The reference of the first element that a snapshot names so; else of one that holds it.

    A line of a snapshot is `- button "Sign in" [ref=e5]`, or `- link "Home" [ref=e2]:`.
    """
    lines = [line for line in snapshot.splitlines() if _REF.search(line)]
    for wanted in (f'"{text}"', text):
        for line in lines:
            if wanted.lower() in line.lower() and (found := _REF.search(line)):
                return found[1]
    return None


def _told(turn: Turn) -> str:
    said = turn.results(turn.tools.name_of("snapshot"))
    text = said[-1] if said else ""
    fenced = _FENCED.search(text)
    lines = (fenced[1] if fenced else text).splitlines()
    return f"The page said:\n\n{talk.fenced(chr(10).join(lines[:40]))}"
