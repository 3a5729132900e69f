"""Texts of the demo model."""

from bunkhouse.broker.demo.conversation import Turn
from bunkhouse.broker.demo.reply import Reply
from bunkhouse.broker.demo.toolbox import Call

__all__ = ["MARKDOWN", "Call", "chore", "fenced", "numbered"]

QUOTED_CHARS = 6000

MARKDOWN = """\
## A heading

A paragraph with *emphasis*, **weight**, `code` and [a link](https://example.org/).

1. First
2. Second
   - with a point of its own

| Tool | Times |
| ---- | ----: |
| bash | 3 |
| edit | 1 |

```python
def greet(name: str) -> str:
    return f"Hello, {name}."
```

```diff
-old line
+new line
```

> A quotation, to end with.
"""


def numbered(count: int, *, word: str = "word") -> str:
    """`word-1 word-2 …`, twenty in a line."""
    lines = [
        " ".join(f"{word}-{n}" for n in range(first, min(first + 20, count + 1)))
        for first in range(1, count + 1, 20)
    ]
    return "\n".join(lines)


def fenced(text: str) -> str:
    """The text as a code block, shortened in the middle, whatever fences it has itself."""
    text = text.strip("\n")
    if len(text) > QUOTED_CHARS:
        half = QUOTED_CHARS // 2
        text = f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}text\n{text}\n{fence}"


def chore(turn: Turn) -> Reply:
    """What agents want besides the work: a title, a summary. At once, and short."""
    if turn.chore == "title":
        name = turn.directive.name if turn.directive else "tour"
        return Reply(text=f"Demo: {name}", speed=0)
    return Reply(
        text="A session with Bunkhouse's demo model, which is a script and no intelligence. "
        "The last prompt was carried out step by step; nothing is left to do.",
        speed=0,
    )
