"""The checks of a run can fail: each is shown a log with the fault that it is there for."""

from typing import Any, cast

import pytest

from ..hubs import Event
from . import checks
from .actor import Actor, Turn
from .damage import Damage
from .script import LINES, Asked, Record


class Stub:
    """As much of an actor as the checks look at."""

    number = 1
    session = "s"

    def __init__(self, log: list[Event], turns: list[Turn]) -> None:
        self.log, self.turns = log, turns


def at(second: int) -> str:
    return f"2026-11-25T10:00:{second:02}+00:00"


def numbered(*events: dict[str, Any]) -> list[Event]:
    return [{"seq": n, "at": at(n), **event} for n, event in enumerate(events, 1)]


def turn(prompt: str, text: str, outcome: str = "done", code: str | None = None) -> list[Event]:
    return [
        {"type": "prompt_queued", "prompt_id": prompt},
        {"type": "turn_started", "turn_id": prompt},
        {"type": "agent_message_chunk", "message_id": prompt, "text": text},
        {
            "type": "turn_ended",
            "turn_id": prompt,
            "outcome": outcome,
            "code": code,
            "message": "It failed." if code else None,
        },
    ]


CALM = [*turn("p1", "1-001 said all."), *turn("p2", "1-002 said all.")]
TURNS = [Turn("1-001", "talk", ["p1"]), Turn("1-002", "talk", ["p2"])]
RECORD = Record([Asked(("1-001",), 0, 0.0), Asked(("1-001", "1-002"), 0, 0.0)])


def complaints(
    events: list[Event],
    turns: list[Turn] = TURNS,
    record: Record = RECORD,
    damages: list[Damage] | None = None,
) -> list[str]:
    log = numbered(*events)
    actor = cast("Actor", Stub(log, turns))
    return checks.all_of(actor, log, record, damages or [])


def test_a_log_as_it_should_be_has_none() -> None:
    assert complaints(CALM) == []


def test_a_turn_that_broke_off_and_was_said_again_has_none() -> None:
    broken = turn("p2", "1-002 sa", "failed", "agent_died")
    events = [*CALM[:4], *broken, *turn("p3", "1-002 said all.")]
    turns = [TURNS[0], Turn("1-002", "talk", ["p2", "p3"])]
    killed = Damage("OpenCode killed", ["s"], checks.time_of(numbered(*events)[6]))
    assert complaints(events, turns, damages=[killed]) == []
    assert any("agent_died after nothing" in each for each in complaints(events, turns))
    other = Damage("OpenCode killed", ["another"], killed.began)
    assert any("agent_died after nothing" in c for c in complaints(events, turns, damages=[other]))
    wrong = Damage("hub killed", ["s"], killed.began)
    assert any("after hub killed" in each for each in complaints(events, turns, damages=[wrong]))


@pytest.mark.parametrize("first", ["completed", "failed"])
def test_a_call_that_was_made_twice_is_due_to_an_answer_that_was_cut(first: str) -> None:
    def called(number: int, status: str = "completed") -> list[Event]:
        name = f"c{number}"
        return [
            {"type": "tool_call", "tool_call_id": name, "tool": "write", "status": "pending"},
            {
                "type": "tool_call_update",
                "tool_call_id": name,
                "status": status,
                "output": "Wrote it.",
            },
        ]

    one, two = turn("p1", "1-001 said all."), turn("p2", "1-002 said all.")
    twice = [*one[:2], *called(1, first), *called(2), *one[2:]]
    events = [*twice, *two[:2], *called(3), *two[2:]]
    assert any("not [(" in each for each in complaints(events))
    for kind, found in (("hub killed", False), ("OpenCode killed", True)):
        done = Damage(kind, ["s"], checks.time_of(numbered(*events)[3]))
        assert bool(complaints(events, damages=[done])) == found


@pytest.mark.parametrize(
    ("events", "words"),
    [
        (CALM[:-1], "turn_ended of p2: 0 times"),
        ([*CALM[:4], *CALM[:4], *CALM[4:]], "turn_started of p1: 2 times"),
        ([*CALM, *turn("p9", "Who?")], "prompts that nobody sent"),
        ([*CALM, CALM[2]], "outside of turns"),
        ([*CALM[:2], CALM[5], *CALM[2:4], CALM[4], *CALM[6:]], "while p1 ran"),
        ([*CALM[:6], {**CALM[6], "text": "1-002 said"}, CALM[7]], "not [("),
        ([*CALM[:7], CALM[6], CALM[7]], "not [("),
        ([*CALM[:7], {**CALM[7], "outcome": "stopped"}], "ended as stopped"),
    ],
)
def test_faults_of_a_log_are_found(events: list[Event], words: str) -> None:
    assert any(words in complaint for complaint in complaints(events))


def test_a_gap_and_a_repeat_are_found() -> None:
    log = numbered(*CALM)
    for seqs in ([1, 2, 4, 5], [1, 2, 2, 3]):
        broken = [{**event, "seq": seq} for event, seq in zip(log, seqs, strict=False)]
        assert list(checks.numbers(broken))
    actor = cast("Actor", Stub([*log[:3], *log[4:]], TURNS))
    assert list(checks.followed(actor, log))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ([("1-001",)], "1-002 never reached the model"),
        ([("1-001",), ("1-001", "1-002", "1-002")], "given 1-002 2 times"),
        ([("1-001",), ("1-002", "1-001"), ("1-002",)], "another order"),
    ],
)
def test_the_models_word_counts(asked: list[tuple[str, ...]], words: str) -> None:
    record = Record([Asked(turns, 0, 0.0) for turns in asked])
    assert any(words in complaint for complaint in complaints(CALM, record=record))


@pytest.mark.parametrize(
    ("journal", "notes", "words"),
    [
        ("1-001-1\n1-001-2\n", "1-001.md", f"where {LINES} to {LINES}"),
        ("1-001-1\n1-001-1\n1-001-2\n", "1-001.md", f"where {LINES} to {LINES}"),
        ("1-001-1\n1-001-2\n1-001-3\n", "", "notes/1-001.md is missing"),
        ("1-001-1\n1-001-2\n1-001-3\n1-009-1", "1-001.md", "lines of {'1-009'}"),
    ],
)
def test_files_that_the_script_does_not_have_are_found(
    journal: str, notes: str, words: str
) -> None:
    log = numbered(*turn("p1", "Done."))
    actor = cast("Actor", Stub(log, [Turn("1-001", "work", ["p1"])]))
    found = list(checks.workspace(actor, journal, notes, log))
    assert any(words in complaint for complaint in found), found
    right = "".join(f"1-001-{n}\n" for n in range(1, LINES + 1))
    assert list(checks.workspace(actor, right, "1-001.md", log)) == []
