"""Exports of a log that has everything in it, from both stores."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from markdown_it import MarkdownIt

from bunkhouse.errors import NotFound
from bunkhouse.sessions import turns
from bunkhouse.sessions.export import Exports
from bunkhouse.sessions.export import exports as module
from bunkhouse.sessions.views import NewSession
from bunkhouse_protocol.events import (
    EVENT,
    AgentMessageChunk,
    AgentThoughtChunk,
    ChangedFile,
    ChildStarted,
    Event,
    HubToolCalled,
    MessageRetracted,
    Picture,
    Plan,
    PlanEntry,
    Problem,
    PullRequestChanged,
    PullRequestChecked,
    PullRequestCommented,
    PullRequestReviewed,
    Question,
    QuestionAsked,
    QuestionResolved,
    ToolCall,
    ToolCallUpdate,
    ToolOutputChunk,
    TurnEnded,
    WholeOutput,
    WorkspaceChanged,
)

from ..conftest import ADMIN, Room
from .runner import Runner

BLOBS = "https://hub.example/api/sessions/x/blobs/"
BLOB = "ab" * 32


async def session_with(room: Room, *events: Event, prompt: str = "Mend the *roof*\n```") -> str:
    view = await room.sessions.create(NewSession(prompt=prompt, title="The roof & <b>"), ADMIN)
    runner = Runner(room, view.id)
    await runner.start()
    await runner.say(*events, TurnEnded(turn_id=view.queue[0].id, outcome="done", ms=1200))
    return view.id


async def text(pieces: AsyncGenerator[str, None]) -> str:
    return "".join([piece async for piece in pieces])


DAY = (
    AgentThoughtChunk(message_id="h", text="Hm </details>"),
    AgentMessageChunk(message_id="gone", text="Begun anew"),
    AgentMessageChunk(message_id="m", text="I look "),
    AgentMessageChunk(message_id="m", text="around.\n```\nopen"),
    ToolCall(tool_call_id="t", tool="bash", kind="execute", title="make | tee <log>"),
    ToolCallUpdate(tool_call_id="t", input={"command": "make | tee <log>"}, status="in_progress"),
    ToolOutputChunk(tool_call_id="t", text="live"),
    ToolCallUpdate(
        tool_call_id="t",
        status="completed",
        output="head\n… 9 bytes left out …\n```tail",
        output_left_out=9,
        whole_output=WholeOutput(blob=BLOB, size=20),
        exit_code=2,
        ms=300,
    ),
    ToolCall(tool_call_id="e", tool="edit", kind="edit", title="a.py"),
    ToolCallUpdate(tool_call_id="e", status="completed", diff="--- a/a.py\n+++ b/a.py\n"),
    ToolCall(tool_call_id="never", tool="bash", kind="execute", title="sleep"),
    ToolOutputChunk(tool_call_id="never", text="so far"),
    MessageRetracted(message_id="gone"),
    QuestionAsked(request_id="q", questions=[Question(question="Which?")]),
    QuestionResolved(request_id="q", answers=[["This"]], by="Ada"),
    Problem(code="x", message="It broke.", remedy="Mend it.", detail="```\ndetail"),
    Plan(entries=[PlanEntry(content="One", status="completed")]),
    WorkspaceChanged(
        additions=3,
        deletions=1,
        files=[ChangedFile(path="a`b.py", status="modified", additions=3, deletions=1)],
    ),
)


async def test_json_lines_are_the_log(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await session_with(room, *DAY)
    monkeypatch.setattr(module, "_BATCH", 3)
    export = await Exports(room.journal).open(session, "jsonl", blobs=BLOBS)
    assert export.name == f"bunkhouse-{session}-the-roof-b.jsonl"
    written = (await text(export.pieces)).splitlines()
    lines: list[dict[str, Any]] = [json.loads(each) for each in written]
    header, *events = lines
    assert (header["type"], header["version"], header["blobs"]) == ("bunkhouse_session", 1, BLOBS)
    assert header["session"]["id"] == session
    assert header["session"]["last_seq"] == events[-1]["seq"]
    log = await room.journal.read(session, folded=True)
    assert [EVENT.validate_python(each) for each in events] == log
    place = 0
    for each in events:  # neither gap nor repeat
        assert (each["first_seq"] or each["seq"]) == place + 1
        place = each["seq"]


async def test_an_export_ends_where_the_log_was(room: Room) -> None:
    session = await session_with(room, AgentMessageChunk(message_id="m", text="first"))
    export = await Exports(room.journal).open(session, "jsonl", blobs=BLOBS)
    begun = await anext(export.pieces)
    async with room.journal.change(session) as change:
        change.record(Problem(code="late", message="too late"))
    lines = (begun + await text(export.pieces)).splitlines()
    assert json.loads(lines[-1])["seq"] == json.loads(lines[0])["session"]["last_seq"]
    assert "too late" not in lines[-1]


async def test_markdown_is_a_transcript(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await session_with(room, *DAY)
    await room.sessions.prompt(session, "And then?", ADMIN)
    monkeypatch.setattr(module, "_BATCH", 3)
    export = await Exports(room.journal).open(session, "markdown", blobs=BLOBS)
    assert export.name.endswith(".md")
    told = await text(export.pieces)
    assert told.startswith("# The roof & \\<b\\>\n")
    assert f"## {ADMIN.name} · " in told and "> Mend the *roof*\n> ```" in told
    assert "Begun anew" not in told
    assert "> I look around.\n> ```\n> open\n" in told  # its fence was left open
    assert "<summary>✓ Ran <code>make | tee &lt;log&gt;</code> · exit 2 · 0.3 s</summary>" in told
    assert "````text\nhead\n… 9 bytes left out …\n```tail\n````" in told
    assert f"[Whole output]({BLOBS}{BLOB}) (20 bytes)" in told
    assert "```diff\n--- a/a.py" in told
    assert "so far" in told and "It never ended." in told
    assert "> [!CAUTION]\n> **It broke.**\n>\n> Mend it." in told
    assert "- Which? This" in told and "- [x] One" in told
    assert "- ``a`b.py`` modified, +3 -1" in told
    assert "*Done in 1.2 s*" in told
    # Nothing swallowed what followed: the headings are all there, and each fold is closed.
    tokens = MarkdownIt("commonmark").parse(told)
    headings = [tokens[n + 1].content for n, t in enumerate(tokens) if t.type == "heading_open"]
    assert [each.split(" · ")[0] for each in headings] == [
        "The roof & \\<b\\>",
        ADMIN.name,
        ADMIN.name,
    ]
    html = "".join(token.content for token in tokens if token.type == "html_block")
    assert html.count("<details>") == html.count("</details>") == 4


async def test_prompts_that_wait_are_told_last(room: Room) -> None:
    session = await session_with(room)
    async with room.journal.change(session) as change:
        await turns.begin_next(change)
    await room.sessions.prompt(session, "First", ADMIN)
    await room.sessions.prompt(session, "Second `x`", ADMIN)
    told = await text((await Exports(room.journal).open(session, "markdown", blobs=BLOBS)).pieces)
    assert told.endswith(f"## Waiting\n\n- {ADMIN.name}: Second \\`x\\`\n\n")


async def test_a_session_that_is_not_there_or_goes_meanwhile(room: Room) -> None:
    exports = Exports(room.journal)
    with pytest.raises(NotFound):
        await exports.open("nobody", "jsonl", blobs=BLOBS)
    session = await session_with(room)
    export = await exports.open(session, "jsonl", blobs=BLOBS)
    await anext(export.pieces)
    await room.sessions.delete(session, ADMIN)
    with pytest.raises(NotFound):
        await text(export.pieces)


async def test_what_the_agent_showed_and_split_off(room: Room) -> None:
    picture = Picture(blob="a" * 64, mime="image/png", size=1234)
    session = await session_with(room)
    await room.journal.note(
        session,
        HubToolCalled(
            tool="post_screenshot",
            by="Ada",
            outcome="done",
            message="x",
            picture=picture,
            caption="The <b>door",
        ),
        HubToolCalled(tool="end_session", by="Ada", outcome="done", message="It ends."),
        ChildStarted(session_id="abc", title="The *lock*", by="Ada"),
    )
    export = await Exports(room.journal).open(session, "markdown", blobs=BLOBS)
    written = await text(export.pieces)
    assert f"[The \\<b\\>door]({BLOBS}{'a' * 64}) (image/png, 1,234 bytes)" in written
    assert "*Session `abc` was started by Ada: The \\*lock\\**" in written
    assert "It ends" not in written


async def test_what_others_said_at_the_forge_is_quoted(room: Room) -> None:
    pull = PullRequestChanged(
        change="opened",
        by="Ada",
        number=7,
        title="The *roof*",
        url="https://github.example/ada/r/pull/7",
        state="open",
        draft=False,
        branch="bunkhouse/roof",
        base="main",
        commit="abc",
    )
    review = PullRequestReviewed(
        number=7, review_id="1", by="bob", verdict="changes_requested", text="No.\n# Mine"
    )
    comment = PullRequestCommented(
        number=7, comment_id="2", by="eve", text="<b>Here", url="x", path="a.py", line=3
    )
    check = PullRequestChecked(number=7, name="ci", conclusion="failure", commit="abc")
    session = await session_with(room, review)  # a sandbox can't say it
    await room.journal.note(session, pull, review, comment, check)
    export = await Exports(room.journal).open(session, "markdown", blobs=BLOBS)
    written = await text(export.pieces)
    assert "*Pull request #7 opened by Ada: The \\*roof\\**" in written
    assert "**bob** on pull request #7: changes requested\n\n> No.\n> # Mine\n" in written
    assert written.count("**bob**") == 1
    assert "**eve** on pull request #7, `a.py:3`\n\n" in written
    assert "<b>" not in written.partition("**eve**")[2].replace("`<b>", "")
    assert "*Check ci: failure*" in written
