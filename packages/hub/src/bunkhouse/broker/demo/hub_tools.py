"""The scripts that use the hub's own tools: each calls one, or two, and says what came of it."""

import re

from bunkhouse.broker.demo import talk
from bunkhouse.broker.demo.conversation import Turn
from bunkhouse.broker.demo.directive import Directive
from bunkhouse.broker.demo.reply import INTRODUCTION, Reply
from bunkhouse.broker.demo.toolbox import Call

_STARTED = re.compile(r"Session (\w+) was started")
_PICTURE = "/tmp/bunkhouse-demo.png"  # noqa: S108 - in the sandbox
_DRAW = f"""python3 - <<'END' && ls -l {_PICTURE}
import struct, zlib
def part(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
wide, high = 320, 180
rows = b''.join(
    bytes([0]) + b''.join(bytes([x * 255 // wide, y * 255 // high, 160]) for x in range(wide))
    for y in range(high)
)
open('{_PICTURE}', 'wb').write(
    b'\\x89PNG\\r\\n\\x1a\\n'
    + part(b'IHDR', struct.pack('>IIBBBBB', wide, high, 8, 2, 0, 0, 0))
    + part(b'IDAT', zlib.compress(rows))
    + part(b'IEND', b'')
)
END"""


def ask(turn: Turn, directive: Directive) -> Reply:
    """Ask people, by the hub."""
    choices = [each for each in directive.text("choices", "Red,Green").split(",") if each.strip()]
    call = turn.tools.call(
        "ask_person",
        question=directive.text("question", "Which colour shall the shed have?"),
        choices=choices,
    )
    return _then_told(turn, [("I ask the people here.", call)])


def screenshot(turn: Turn, directive: Directive) -> Reply:
    """Draw a picture and show it, or show one that is there."""
    path = directive.text("path", "")
    caption = directive.text("caption", "Some colours")
    post = turn.tools.call("post_screenshot", path=path or _PICTURE, caption=caption)
    steps = [("I show it.", post)]
    if not path:
        draw = turn.tools.call("shell", command=_DRAW, description="Draw a picture")
        steps.insert(0, ("I draw a picture.", draw))
    return _then_told(turn, steps)


def split(turn: Turn, directive: Directive) -> Reply:
    """Start a child, wait until it is at rest, and say what it said."""
    start = turn.tools.call(
        "start_session",
        prompt=directive.text("prompt", "[demo:hello]"),
        title=directive.text("title", "A part of it"),
    )
    if turn.step == 0:
        return _then_told(turn, [("I give a part of it to another session.", start)])
    started = _STARTED.search(turn.done[0].result)
    if started is None:
        return Reply(text=f"It was not started.\n\n{talk.fenced(turn.done[0].result)}")
    seconds = directive.count("wait", 600, most=900)
    read = turn.tools.call("read_session", session_id=started[1], wait=seconds)
    return _then_told(turn, [("", start), ("I wait for it.", read)])


def pull(turn: Turn, directive: Directive) -> Reply:
    """Open the pull request or bring it up to the work, and read how it is."""
    draft = directive.text("draft", "no") == "yes"
    written = {
        name: directive.text(name, default)
        for name, default in (("title", "What the demo model did"), ("body", "By a script."))
    }
    return _then_told(
        turn,
        [
            (
                "I open a pull request.",
                turn.tools.call("open_pull_request", draft=draft, **written),
            ),
            ("I look how it is.", turn.tools.call("pull_request_status")),
        ],
    )


def finish(turn: Turn, directive: Directive) -> Reply:
    """End the session after this turn."""
    return _then_told(turn, [("I am done here.", turn.tools.call("end_session"))])


def _then_told(turn: Turn, steps: list[tuple[str, Call | None]]) -> Reply:
    """Make the calls one after the other, and say what the last one gave."""
    if any(call is None for _, call in steps):
        return Reply(text=f"{INTRODUCTION} This agent offers no tool for that script.")
    if turn.step >= len(steps):
        return Reply(text=f"I was told:\n\n{talk.fenced(turn.done[-1].result)}")
    words, call = steps[turn.step]
    said = f"{INTRODUCTION} {words}" if turn.step == 0 else words
    return Reply(text=said, calls=turn.tools.calls(call))
