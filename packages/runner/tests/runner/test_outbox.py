import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from bunkhouse_protocol.events import (
    EVENT,
    AgentMessageChunk,
    ChangedFile,
    Event,
    Notice,
    ToolCallUpdate,
    WorkspaceChanged,
)
from bunkhouse_runner import outbox as module
from bunkhouse_runner.outbox import EVENT_CHARACTERS, Outbox, fit
from bunkhouse_runner.spool import Spool


def spooled(spool: Spool) -> list[Event]:
    return [EVENT.validate_json(item.body) for item in spool.pending(0)]


async def test_a_chunk_is_written_before_what_follows_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    outbox = Outbox(spool, window=10)
    outbox.emit(AgentMessageChunk(message_id="m", text="a"))
    outbox.emit(AgentMessageChunk(message_id="m", text="b"))
    outbox.emit(Notice(code="x", message="y"))
    assert [event.type for event in spooled(spool)] == [
        "agent_message_chunk",
        "agent_message_chunk",
        "notice",
    ]


async def test_an_event_and_its_state_are_durable_at_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    Outbox(spool).record(Notice(code="x", message="y"), {"turn": "t"})
    other = Spool(tmp_path / "spool.db")
    assert other.get("turn") == "t"
    assert len(spooled(other)) == 1


async def test_on_a_full_disk_events_wait_and_keep_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    spool = Spool(tmp_path / "spool.db")
    outbox = Outbox(spool)
    limit = sqlite3.connect(tmp_path / "spool.db")
    limit.execute("BEGIN IMMEDIATE")  # nobody else can write now
    spool._db.execute("PRAGMA busy_timeout=0")  # pyright: ignore[reportPrivateUsage] - not to wait for it here
    for text in "abc":
        outbox.emit(Notice(code="x", message=text))
    assert spooled(spool) == []
    limit.rollback()
    written = asyncio.Event()
    outbox.written = written.set
    await asyncio.wait_for(written.wait(), 60)
    outbox.emit(Notice(code="x", message="d"))
    found = spooled(spool)
    assert [e.message for e in found if isinstance(e, Notice)] == ["a", "b", "c", "d"]
    assert [event.type for event in found].count("error") == 1


def test_long_texts_keep_head_and_tail() -> None:
    output = "head" + "x" * (2 * EVENT_CHARACTERS) + "tail"
    event = fit(ToolCallUpdate(tool_call_id="t", output=output))
    assert isinstance(event, ToolCallUpdate)
    assert event.output is not None
    assert len(event.output) < EVENT_CHARACTERS
    assert event.output.startswith("head")
    assert event.output.endswith("tail")
    assert "characters left out" in event.output


def test_long_lists_are_cut() -> None:
    files = [ChangedFile(path=f"{n:>0200}", status="added") for n in range(20_000)]
    event = fit(WorkspaceChanged(additions=1, deletions=2, files=files))
    assert isinstance(event, WorkspaceChanged)
    assert 0 < len(event.files) <= 2000
    assert len(json.dumps(event.model_dump(mode="json"))) <= EVENT_CHARACTERS
