"""What must be so of a session, whatever was done to it. Each check gives its complaints."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any

from ..hubs import Event
from .actor import Actor, Turn
from .damage import CUTS_ANSWERS, ENDS_TURNS, TO_ALL, Damage
from .script import JOURNAL, LINES, PROMPT, Record

_SLACK = 3.0
"""Seconds: of what was done just before a turn began, the turn may hear."""
_WITHIN = ("agent_message_chunk", "agent_thought_chunk", "tool_call", "tool_output_chunk")
_BOUNDS = ("turn_started", "turn_ended")
_UNSTABLE = ("sandbox_unstable", "sandbox_silent", "setup_timeout")

Shown = list[tuple[Any, ...]]
"""What a reader sees of a turn: what was said, and what tools did."""


def all_of(actor: Actor, log: list[Event], record: Record, damages: list[Damage]) -> list[str]:
    """Every check of one session."""
    mine = [d for d in damages if d.kind in TO_ALL or actor.session in d.sessions]
    return [
        *numbers(log),
        *followed(actor, log),
        *life_of_prompts(actor, log),
        *ends(log, mine),
        *transcript(actor, log, mine),
        *asked(actor, log, record),
    ]


def numbers(log: list[Event]) -> Iterator[str]:
    """`seq` is 1..n without gap or repeat."""
    if [event["seq"] for event in log] != list(range(1, len(log) + 1)):
        yield "seq has a gap or a repeat"


def followed(actor: Actor, log: list[Event]) -> Iterator[str]:
    """Who followed live, and dialled again each time, saw the log as it is."""
    for live, written in zip(actor.log, log, strict=False):
        # A frame that was folded meanwhile has its time in whole milliseconds.
        if live | {"at": ""} != written | {"at": ""}:
            yield f"what was followed live is not what the log says: {live}, {written}"
            return


def life_of_prompts(actor: Actor, log: list[Event]) -> Iterator[str]:
    """Each prompt is queued, begun and ended once, in this order, and nothing runs outside."""
    said = [prompt for turn in actor.turns for prompt in turn.prompts]
    for kind, name in (
        ("prompt_queued", "prompt_id"),
        ("turn_started", "turn_id"),
        ("turn_ended", "turn_id"),
    ):
        found = Counter(e[name] for e in log if e["type"] == kind)
        for prompt in said:
            if found[prompt] != 1:
                yield f"{kind} of {prompt}: {found[prompt]} times"
        if extra := found.keys() - set(said):
            yield f"{kind} of prompts that nobody sent: {extra}"
    running: str | None = None
    for event in log:
        if event["type"] == "turn_started":
            if running is not None:
                yield f"{event['turn_id']} began while {running} ran (seq {event['seq']})"
            running = event["turn_id"]
        elif event["type"] == "turn_ended":
            if running != event["turn_id"]:
                yield f"{event['turn_id']} ended while {running} ran (seq {event['seq']})"
            running = None
        elif event["type"] in _WITHIN and running is None:
            yield f"{event['type']} outside of turns (seq {event['seq']})"


def ends(log: list[Event], damages: list[Damage]) -> Iterator[str]:
    """A turn failed only for what was done meanwhile, and says so by its code."""
    begun: dict[str, float] = {}
    for event in log:
        if event["type"] == "turn_started":
            begun[event["turn_id"]] = time_of(event)
        if event["type"] != "turn_ended" or event["outcome"] == "done":
            continue
        since, until = begun.get(event["turn_id"], 0.0) - _SLACK, time_of(event)
        near = [d for d in damages if d.began <= until and (d.over or until) + _SLACK >= since]
        if event["outcome"] != "failed" or not event["message"]:
            yield f"a turn ended as {event['outcome']} ({event['message']})"
        elif event["code"] in _UNSTABLE:
            continue  # too much was done to it, and it says so
        elif not any(event["code"] in ENDS_TURNS[d.kind] for d in near):
            done = ", ".join(d.kind for d in near) or "nothing"
            yield f"a turn failed with {event['code']} after {done}: {event['message']}"


def transcript(actor: Actor, log: list[Event], damages: list[Damage]) -> Iterator[str]:
    """What is shown of a turn equals that of an undisturbed one, or is the beginning of it.

    Where an answer of the model was cut, a call in it that had come whole is carried out, or
    stopped, and the model, asked anew, may make it once more.
    """
    shown = {turn.name: [_shown(log, p) for p in turn.prompts] for turn in actor.turns}
    for turn in actor.turns:
        for place, prompt in enumerate(turn.prompts):
            if any(d.kind in CUTS_ANSWERS for d in _near(log, prompt, damages)):
                shown[turn.name][place] = _once(shown[turn.name][place])
    calm: dict[str, Shown] = {}
    for turn in actor.turns:
        *broken, last = (_without(turn, what) for what in shown[turn.name])
        expected = calm.setdefault(turn.kind, last)
        if last != expected:
            yield f"{turn.name} ({turn.kind}) reads {last}\n   not {expected}"
        for what in broken:
            if not _begins(what, expected):
                yield f"{turn.name} ({turn.kind}) broke off as {what}\n   not within {expected}"


def asked(actor: Actor, log: list[Event], record: Record) -> Iterator[str]:
    """The model's word for it: no prompt was lost, none was run twice, all in their order."""
    prompts = {turn.name: len(turn.prompts) for turn in actor.turns}
    order = begun(actor, log)
    seen: set[str] = set()
    for request in record.requests:
        if request.turns[-1].partition("-")[0] != str(actor.number):
            continue
        seen.add(request.turns[-1])
        for name, times in Counter(request.turns).items():
            if times > prompts.get(name, 0):
                yield f"the agent was given {name} {times} times, and was sent it {prompts[name]}"
        if not _is_part(request.turns, order):
            yield f"the agent was given prompts in another order: {request.turns}"
    for name in prompts:
        if name not in seen:
            yield f"{name} never reached the model"


def workspace(actor: Actor, journal: str, notes: str, log: list[Event]) -> Iterator[str]:
    """The files are those of the script, since the sandbox was last made anew."""
    made = max((e["seq"] for e in log if _made_anew(e)), default=0)
    ended = {e["turn_id"]: e for e in log if e["type"] == "turn_ended"}
    lines = journal.split()
    expected: list[tuple[str, int, int]] = []
    for turn in actor.turns:
        tries = [p for p in turn.prompts if ended[p]["seq"] > made]
        if turn.kind == "work" and tries:
            calls = sum(row[:2] == ("tool", "bash") for p in tries for row in _shown(log, p))
            expected.append((turn.name, LINES, LINES * max(len(tries), calls)))
    for name, least, most in expected:
        mine = [line for line in lines if line.startswith(f"{name}-")]
        if not least <= len(mine) <= most or (least == most and mine != _lines(name)):
            yield f"{JOURNAL} has {mine} of {name}, where {least} to {most} lines are due"
        if f"{name}.md" not in notes.split():
            yield f"notes/{name}.md is missing"
    names = [line.rpartition("-")[0] for line in lines]
    if (strange := set(names) - {name for name, _, _ in expected}) and made == 0:
        yield f"{JOURNAL} has lines of {strange}"
    if not _is_part([name for name, _ in groupby(names)], begun(actor, log)):
        yield f"{JOURNAL} is not in order: {names}"


def begun(actor: Actor, log: list[Event]) -> list[str]:
    """The turns as they were begun: one that was said again stands there once more."""
    names = {prompt: turn.name for turn in actor.turns for prompt in turn.prompts}
    return [names.get(e["turn_id"], "?") for e in log if e["type"] == "turn_started"]


def _is_part(some: Iterable[str], order: list[str]) -> bool:
    """Whether these stand in this order, with others between them or not."""
    rest = iter(order)
    return all(name in rest for name in some)


def _lines(name: str) -> list[str]:
    return [f"{name}-{n}" for n in range(1, LINES + 1)]


def _made_anew(event: Event) -> bool:
    return (
        event["type"] == "notice" and event["code"] == "sandbox_lost" and "gone" in event["message"]
    )


def _near(log: list[Event], prompt: str, damages: list[Damage]) -> list[Damage]:
    """What was done while this prompt's turn ran."""
    times = [time_of(e) for e in log if e["type"] in _BOUNDS and e["turn_id"] == prompt]
    if len(times) < 2:
        return []
    since, until = times[0] - _SLACK, times[-1]
    return [d for d in damages if d.began <= until and (d.over or until) + _SLACK >= since]


def _once(shown: Shown) -> Shown:
    """The same without calls that were stopped and made once more, or only made once more."""
    return [row for row, after in pairwise([*shown, ("end",)]) if not _is_again(row, after)]


def _is_again(call: tuple[Any, ...], after: tuple[Any, ...]) -> bool:
    if call[0] != "tool":
        return False
    return call == after or (call[2] == "failed" and call[:2] == after[:2])


def _shown(log: list[Event], prompt: str) -> Shown:
    within, found = False, list[Event]()
    for event in log:
        if event["type"] in _BOUNDS:
            within = event["type"] == "turn_started" and event["turn_id"] == prompt
        elif within:
            found.append(event)
    back = {e["message_id"] for e in found if e["type"] == "message_retracted"}
    shown: Shown = []
    tools: dict[str, int] = {}
    for event in found:
        if event["type"] == "agent_message_chunk" and event["message_id"] not in back:
            if shown and shown[-1][0] == "say":
                shown[-1] = ("say", shown[-1][1] + event["text"])
            else:
                shown.append(("say", event["text"]))
        elif event["type"] == "tool_call":
            tools[event["tool_call_id"]] = len(shown)
            shown.append(("tool", event["tool"], event["status"], None))
        elif event["type"] == "tool_call_update" and event["tool_call_id"] in tools:
            place = tools[event["tool_call_id"]]
            _, tool, status, output = shown[place]
            shown[place] = ("tool", tool, event["status"] or status, event["output"] or output)
    return shown


def _without(turn: Turn, shown: Shown) -> Shown:
    """The same with the turn's name and the prompts left out of it, and blanks made one."""

    def plain(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return " ".join(PROMPT.sub("PROMPT", re.sub(re.escape(turn.name), "TURN", value)).split())

    return [tuple(plain(value) for value in row) for row in shown]


def _begins(what: Shown, expected: Shown) -> bool:
    """A turn that broke off: rows as they should be, the last one perhaps in the middle."""
    if len(what) > len(expected):
        return False
    for index, (row, due) in enumerate(zip(what, expected, strict=False)):
        if row == due:
            continue
        last = index == len(what) - 1
        if row[0] == "say" == due[0] and last and due[1].startswith(row[1].rstrip()):
            continue
        if row[:2] == due[:2] and last:  # a tool that was running
            continue
        return False
    return True


def time_of(event: Event) -> float:
    return datetime.fromisoformat(event["at"]).timestamp()
