"""The command line's parts by themselves."""

import io
import json
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bunkhouse.api import sse
from bunkhouse.cli.addresses import listen
from bunkhouse.cli.answers import choose
from bunkhouse.cli.image_progress import Image, ImageProgress
from bunkhouse.cli.stream import parse
from bunkhouse.cli.terminal import one_line, seconds, size
from bunkhouse.cli.transcript import Transcript
from bunkhouse.words import clean
from bunkhouse_protocol.events import (
    AgentMessageChunk,
    Event,
    PromptQueued,
    Question,
    QuestionOption,
    RewindFailed,
    SessionForked,
    SessionRewound,
)


@given(st.lists(st.text()))
def test_what_the_hub_prints_the_command_line_reads(texts: list[str]) -> None:
    events = [
        AgentMessageChunk(seq=seq, message_id="m", text=text) for seq, text in enumerate(texts, 1)
    ]
    printed = sse.encode_events(events).decode()
    items = list(parse(iter(printed.split("\n"))))
    assert [json.loads(item.data)["text"] for item in items] == texts
    assert [item.id for item in items] == [str(event.seq) for event in events]


def test_comments_are_signs_of_life_and_half_an_event_is_none() -> None:
    items = list(parse(iter([": ping", "", "event: x", "data: 1", "", "data: 2"])))
    assert [(item.event, item.data) for item in items] == [("", ""), ("x", "1")]


@pytest.mark.parametrize(
    "hostile",
    ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "a\rb", "\x08\x08", "\u202egnp.exe", "\x00"],
)
def test_no_control_character_passes(hostile: str) -> None:
    for text in (clean(hostile), one_line(hostile)):
        assert all(letter.isprintable() or letter in "\n\t" for letter in text)
    assert clean("tab\there\nline ä 漢 🏠") == "tab\there\nline ä 漢 🏠"


def test_one_line_says_that_there_is_more() -> None:
    assert one_line("first\nsecond") == "first…"
    assert one_line("x" * 200, 10) == "x" * 9 + "…"
    assert one_line("") == ""


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.04, "0.0 s"), (2.13, "2.1 s"), (59.6, "60 s"), (60, "1 min"), (185, "3 min 5 s"),
     (86400, "24 h"), (3700, "1 h 1 min")],
)  # fmt: skip
def test_times(value: float, said: str) -> None:
    assert seconds(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1234, "1.2 kB"),
        (65_536, "66 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (2_345_678, "2.3 MB"),
        (16_777_216, "17 MB"),
    ],
)
def test_sizes(value: int, said: str) -> None:
    assert size(value) == said


COLOURS = [QuestionOption(label="red"), QuestionOption(label="blue")]


@pytest.mark.parametrize(
    ("question", "said", "answer"),
    [
        (Question(question="?", options=COLOURS), "2", ["blue"]),
        (Question(question="?", options=COLOURS), "red", ["red"]),
        (Question(question="?", options=COLOURS), "green, I think", ["green, I think"]),
        (Question(question="?", options=COLOURS, custom=False), "green", []),
        (Question(question="?", options=COLOURS, custom=False), "3", []),
        (Question(question="?", options=COLOURS, multiple=True), "1, 2", ["red", "blue"]),
        (Question(question="?"), "my words", ["my words"]),
        (Question(question="?"), "", []),
    ],
)
def test_answers(question: Question, said: str, answer: list[str]) -> None:
    assert choose(question, said) == answer


def image(state: str, step: str | None = None, progress: float | None = None) -> Image:
    failed = state == "failed"
    return Image(
        state, step, progress, 100.0, "It broke." if failed else None, "Do it." if failed else None
    )


def test_without_a_terminal_each_step_is_a_line() -> None:
    written = io.StringIO()
    with ImageProgress(Console(file=written, force_terminal=False)) as progress:
        for status in (
            image("missing"),
            image("building", "Installing packages", 0.1),
            image("building", "Installing packages", 0.2),
            image("building", "Adding the runner", 0.9),
            image("ready"),
            image("ready"),
        ):
            progress.show(status)
    assert written.getvalue().splitlines() == [
        "Sandbox image: Installing packages (10%)",
        "Sandbox image: Adding the runner (90%)",
        "Sandbox image: ready (1 min 40 s)",
    ]


def test_an_image_that_was_there_needs_no_word_and_a_failure_one() -> None:
    written = io.StringIO()
    with ImageProgress(Console(file=written, force_terminal=False)) as progress:
        progress.show(image("ready"))
        assert written.getvalue() == ""
        progress.show(image("building", "Installing packages"))
        progress.show(image("failed"))
        progress.show(image("failed"))
    assert written.getvalue().splitlines()[1:] == ["Sandbox image: It broke.", "Do it."]


def test_small_answers_do_not_wait_for_acknowledgements() -> None:
    with (
        listen("127.0.0.1", 0) as listening,
        socket.create_connection(listening.getsockname()),
        listening.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_transcript_says_what_does_not_count_any_more() -> None:
    written = io.StringIO()
    transcript = Transcript(Console(file=written, force_terminal=False, width=200))
    events: list[Event] = [
        PromptQueued(prompt_id="p", text="paint it red", author="Ada"),
        SessionRewound(prompt_id="p", undone_from=2, by="Bob\x1b"),
        SessionRewound(by="Bob"),
        SessionRewound(prompt_id="of before", undone_from=1, by="Bob"),
        RewindFailed(),
        SessionForked(session_id="abc", title="The roof", by="Bob"),
    ]
    for event in events:
        transcript.write(event)
    assert written.getvalue().splitlines() == [
        "↶ Bob went back, before: paint it red. What was said and done since does not count",
        "↷ Bob went forward again: all of the above counts",
        "↶ Bob went back, to before an earlier prompt. What was said and done since does not count",
        "↶ it could not be gone back to; all is as it was",
        "⑂ a copy of The roof (abc)",
    ]
