"""Markdown that ends where it ends, read back by a parser of Markdown."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bunkhouse.sessions.export import markup

COMMONMARK = MarkdownIt("commonmark")
HOSTILE = st.lists(
    st.sampled_from(
        [
            "```", "````", "~~~", "> ", "- ", "    ", "\n", "\n\n", "`", "``", "<!--", "-->",
            "<details>", "</details>", "<b>", "<https://example.org>", "# ", "words", "\\",
            "[a](b)", "<?", "<![CDATA[", "<script>", "</summary>", "***", "\r\n", "\x1b[31m", "|",
        ]
    ),
    max_size=25,
).map("".join)  # fmt: skip


def kinds(text: str) -> set[str]:
    tokens = COMMONMARK.parse(text)
    return {each.type for token in tokens for each in (token, *(token.children or ()))}


def followed(block: str) -> bool:
    """Whether a heading after it is one by itself."""
    tokens = COMMONMARK.parse(f"{block}\n\n## After\n")
    return tokens[-3].type == "heading_open" and tokens[-3].level == 0


@settings(max_examples=400)
@given(HOSTILE)
@example("- a\n  ```\n  <!--\n\nout of it </details> <!--")
@example("```\nnot closed </details>")
@example("a `b\n\n<!-- c` d")
def test_what_an_agent_says_swallows_nothing(text: str) -> None:
    for block in (markup.prose(text), markup.quoted(text), markup.fenced(text)):
        assert followed(block)
        assert not kinds(block) & {"html_block", "html_inline"}
    assert followed(markup.folded("Thought", markup.quoted(text)))
    folded = COMMONMARK.parse(markup.folded("x", markup.fenced(text)))
    assert [token.type for token in folded] == ["html_block", "fence", "html_block"]


@settings(max_examples=400)
@given(HOSTILE)
def test_words_and_code_within_a_line_are_that(text: str) -> None:
    (_, line, _) = COMMONMARK.parse(f"x {markup.inline(text)}")
    assert line.children is not None
    assert {child.type for child in line.children} <= {"text"}
    words = " ".join(markup.plain(text).split())
    assert "".join(child.content for child in line.children) == f"x {words}".rstrip()
    if words:
        (_, line, _) = COMMONMARK.parse(f"x {markup.code(text)}")
        assert line.children is not None
        (_, span) = line.children
        assert (span.type, span.content) == ("code_inline", words)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Use `<b>` for <b>bold</b>.", "Use `<b>` for &lt;b>bold&lt;/b>."),
        ("See <https://example.org>, 1 < 2.", "See <https://example.org>, 1 < 2."),
        ("```html\n<b>\n```\n<i>", "```html\n<b>\n```\n&lt;i>"),
        ("# A\n\n- one\n- two", "# A\n\n- one\n- two"),
        ("```\nnot closed", "> ```\n> not closed"),
    ],
)
def test_prose_stays_markdown(said: str, shown: str) -> None:
    assert markup.prose(said) == shown


def test_output_is_shown_without_its_colours_and_with_its_fences() -> None:
    block = markup.fenced("\x1b[1;31mred\x1b[0m\r\n```\n````\n\x00")
    assert block == "`````text\nred\n```\n````\n`````"
    assert re.fullmatch(r"<code>a &lt;b&gt; &amp; c</code>", markup.html_code("a <b>\n& c"))
