"""Markdown that stays where it is put, whatever the words are that go into it.

What agents and tools say is hostile: a fence or a tag that is not closed would swallow what
follows. So everything here ends where it ends.
"""

import html
import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bunkhouse.words import clean

_COMMONMARK = MarkdownIt("commonmark")
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")
_FENCE = re.compile(r"[\s>]*(`{3,}|~{3,})(.*)")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(?:.|\n)*?(?<!`)\1(?!`)")
_TAG = re.compile(r"<(?!https?://|mailto:)(?=[A-Za-z/!?])")
_TAGS = {"html_block", "html_inline"}
_AFTER = "what-follows"


def plain(text: str) -> str:
    """Take out colours and what can't be seen."""
    shown = _ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return clean(shown)


def inline(text: str) -> str:
    """Words within a line, none of which is markup."""
    return _SPECIAL.sub(r"\\\1", " ".join(plain(text).split()))


def code(text: str) -> str:
    """Code within a line."""
    line = " ".join(plain(text).split())
    if not line:
        return ""
    ticks = "`" * (_longest("`", line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def html_code(text: str) -> str:
    """Code within a line of HTML, as in a `<summary>`."""
    return f"<code>{html.escape(' '.join(plain(text).split()))}</code>"


def fenced(text: str, language: str = "text") -> str:
    """A block of code; its fence is longer than any in it."""
    body = plain(text).rstrip("\n")
    ticks = "`" * max(3, _longest("`", body) + 1)
    return f"{ticks}{language}\n{body}\n{ticks}"


def quoted(text: str) -> str:
    """A block quote; whatever is begun in it ends with it. Tags are shown as they are written."""
    shown = _without_tags(plain(text))
    quote = "\n".join(f"> {line}".rstrip() for line in shown.split("\n"))
    return fenced(text) if _kinds(_COMMONMARK.parse(quote)) & _TAGS else quote


def prose(text: str) -> str:
    """Markdown as an agent wrote it, without tags; quoted where its end would be left open."""
    shown = _without_tags(plain(text).strip("\n"))
    return shown if _closed(shown) else quoted(text.strip("\n"))


def folded(summary: str, body: str) -> str:
    """A line that opens to show more; `summary` is HTML, `body` Markdown."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def _without_tags(text: str) -> str:
    """Show tags as they are written, outside of code: on a page they would do something."""
    lines: list[str] = []
    words: list[str] = []
    fence: str | None = None

    def flush() -> None:
        if words:
            lines.append(_outside_code("\n".join(words)))
            words.clear()

    for line in text.split("\n"):
        found = _FENCE.fullmatch(line)
        if fence is None and found is not None and not (found[1][0] == "`" and "`" in found[2]):
            flush()
            fence = found[1]
            lines.append(line)
        elif fence is not None:
            lines.append(line)
            if found is not None and found[1].startswith(fence) and not found[2].strip():
                fence = None
        elif line.strip():
            words.append(line)
        else:  # a span of code does not go beyond its paragraph
            flush()
            lines.append(line)
    flush()
    return "\n".join(lines)


def _outside_code(text: str) -> str:
    parts: list[str] = []
    at = 0
    for span in _CODE_SPAN.finditer(text):
        parts += [_TAG.sub("&lt;", text[at : span.start()]), span[0]]
        at = span.end()
    return "".join([*parts, _TAG.sub("&lt;", text[at:])])


def _closed(text: str) -> bool:
    """Whether a paragraph that follows is one by itself, and no tag is left."""
    tokens = _COMMONMARK.parse(f"{text}\n\n{_AFTER}")
    return (
        not _kinds(tokens) & _TAGS
        and len(tokens) >= 3
        and tokens[-3].level == 0
        and tokens[-2].content == _AFTER
    )


def _kinds(tokens: Sequence[Token]) -> set[str]:
    return {each.type for token in tokens for each in (token, *(token.children or ()))}


def _longest(sign: str, text: str) -> int:
    return max((len(run) for run in re.findall(f"{re.escape(sign)}+", text)), default=0)
