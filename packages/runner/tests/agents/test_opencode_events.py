"""The translation of events, on sequences recorded from OpenCode 1.18.33 (workspace: /workspace).

Each recording holds the events of a turn as they came, and the messages as OpenCode had stored
them at its end.
"""

import json
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bunkhouse_protocol.events import (
    MessageRetracted,
    ModelRetry,
    PermissionRequested,
    PermissionResolved,
    Plan,
    ToolCall,
)
from bunkhouse_runner.agents.opencode.events import Translator

from .reader import Reader

FOX = "The quick brown fox jumps over the lazy dog."
FOLDER = Path(__file__).parent / "recorded"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
Json = dict[str, Any]


@dataclass
class Recording:
    session: str
    events: list[Json]
    messages: list[Json]

    def translator(self) -> Translator:
        translator = Translator(PurePath("/workspace"), self.session)
        translator.begin_turn("t1")
        return translator

    def stored(self) -> list[Json]:
        """Return the store's messages as events."""
        events: list[Json] = []
        for message in self.messages:
            frame = {"sessionID": self.session, "info": message["info"]}
            events.append({"type": "message.updated", "properties": frame})
            for part in cast("list[Json]", message["parts"]):
                frame = {"sessionID": self.session, "part": part}
                events.append({"type": "message.part.updated", "properties": frame})
        return events

    def stored_at(self, time: int) -> list[Json]:
        """Return what the store held when so many events had come: the last of each part."""
        last: dict[str, Json] = {}
        for event in self.events[:time]:
            if event["type"] in ("message.updated", "message.part.updated"):
                properties = event["properties"]
                last[(properties.get("part") or properties["info"])["id"]] = event
        return list(last.values())


def load(name: str) -> Recording:
    return Recording(**json.loads((FOLDER / f"{name}.json").read_text()))


def read(translator: Translator, events: list[Json]) -> Reader:
    reader = Reader()
    for event in events:
        reader.events += translator.feed(event)
    return reader


def seen(reader: Reader) -> Any:
    """Return all that people see in the end, without how it streamed."""
    calls = [call.model_dump(exclude={"at", "seq", "first_seq"}) for call in reader.calls()]
    return reader.said(), reader.thought(), calls


def test_a_retry_goes_on_under_the_same_message() -> None:
    recording = load("broken_stream")
    translator = recording.translator()
    reader = read(translator, recording.events)
    assert (reader.said(), reader.thought()) == ([FOX], ["Hm. "])
    assert [type(event).__name__ for event in reader.events] == [
        "AgentThoughtChunk",
        *["AgentMessageChunk"] * 3,
        "ModelRetry",
        *["AgentMessageChunk"] * 3,
    ]
    assert (translator.tokens.input, translator.tokens.output) == (11, 7)


def test_two_retries_and_a_tool_call_that_broke_off() -> None:
    recording = load("broken_twice")
    reader = read(recording.translator(), recording.events)
    assert reader.said() == [FOX, "End."]
    assert len(reader.all(ModelRetry)) == 2 and reader.all(MessageRetracted) == []
    assert [call.status for call in reader.calls()][-1] == "completed"


def test_a_silent_end_is_gone_on_from() -> None:
    recording = load("silent_end")
    translator = recording.translator()
    reader = read(translator, recording.events)
    assert reader.said() == [FOX]
    assert translator.breaks == 0 and len(reader.all(ModelRetry)) == 1


def test_tools_plan_and_permission() -> None:
    recording = load("tools")
    reader = read(recording.translator(), recording.events)
    assert reader.said() == ["Looking. ", "All done."]
    todo, command, look, edit, wrong, fetch = reader.calls()
    assert (todo.title, todo.status) == ("1 todos", "completed")
    assert (command.exit_code, command.status, command.output) == (3, "failed", "one\ntwo\n")
    assert reader.live_output(command.tool_call_id) == "one\ntwo\n"
    assert (look.title, look.output) == ("a.txt", "alpha\nBETA\ngamma")
    assert edit.diff is not None and edit.diff.startswith("--- a/a.txt\n+++ b/a.txt\n@@ -1,3")
    assert wrong.error is not None and "oldString" in wrong.error
    assert fetch.title == "http://127.0.0.1:9/"
    assert [entry.content for entry in reader.all(Plan)[0].entries] == ["Look"]
    (asked,) = reader.all(PermissionRequested)
    assert asked.tool_call_id == fetch.tool_call_id
    assert [answer.reply for answer in reader.all(PermissionResolved)] == ["once"]


def test_a_subagent_is_progress_of_its_call() -> None:
    recording = load("subagent")
    translator = recording.translator()
    reader = read(translator, recording.events)
    assert reader.said() == ["I ask. ", "There."]
    (task,) = reader.calls()
    assert reader.all(ToolCall)[0].kind == "think"
    assert (task.title, task.output) == ("Look around", "Found it.")
    assert reader.live_output(task.tool_call_id) == "bash echo sub\n"
    assert translator.tokens.input == 44


def test_a_stop_ends_what_ran() -> None:
    recording = load("stopped")
    translator = recording.translator()
    reader = read(translator, recording.events)
    (call,) = reader.calls()
    assert (call.status, call.error, call.output) == ("failed", "Stopped.", "go\n")
    assert reader.said() == ["Half a "]
    assert translator.end_turn("Stopped.", complete=True) == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_told_twice(name: str) -> None:
    recording = load(name)
    translator = recording.translator()
    once = read(translator, recording.events)
    assert read(translator, recording.stored()).events == []
    assert translator.end_turn("x", complete=True) == []
    assert once.events


@pytest.mark.parametrize("name", NAMES)
def test_the_store_alone_tells_all(name: str) -> None:
    recording = load(name)
    whole = read(recording.translator(), recording.events)
    late = read(recording.translator(), recording.stored())
    assert late.said() == whole.said()
    if name != "broken_stream":  # a thought that ended before its step broke is stored twice
        assert seen(late) == seen(whole)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_hole_in_the_stream_is_mended(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([name for name in NAMES if name != "silent_end"]))
    recording = load(name)
    begin = data.draw(st.integers(0, len(recording.events)))
    end = data.draw(st.integers(begin, len(recording.events)))
    translator = recording.translator()
    reader = read(translator, recording.events[:begin])
    translator.gap()
    reader.events += read(translator, recording.stored_at(end)).events
    translator.gap()
    reader.events += read(translator, recording.events[end:]).events
    reader.events += read(translator, recording.stored()).events
    reader.events += translator.end_turn("The turn ended.", complete=True)
    whole = read(recording.translator(), recording.events)
    assert reader.said() == whole.said()
    assert [call.status for call in reader.calls()] == [call.status for call in whole.calls()]
