"""`bunkhouse run` against a real server; a small honest runner stands for the sandbox."""

import asyncio
import json
import os
import re
import signal
from pathlib import Path

import pytest

from bunkhouse.cli import hub
from bunkhouse.store import outbox
from bunkhouse_protocol.events import (
    AgentMessageChunk,
    PermissionRequested,
    PermissionResolved,
    Problem,
    PromptSteered,
    Question,
    QuestionAsked,
    QuestionOption,
    QuestionResolved,
    Stage,
    ToolCall,
    ToolCallUpdate,
    TurnEnded,
    WholeOutput,
)

from ..api.house import House
from ..sessions.runner import Runner
from .program import Program


async def begun(house: House) -> tuple[Runner, str]:
    """Wait for a session to be asked for, and be its runner; gives the turn's id."""
    watcher = house.sessions.follow_all()
    views, _ = await house.sessions.list()
    while not views:
        await anext(watcher)
        views, _ = await house.sessions.list()
    await watcher.aclose()
    runner = Runner(house.room, views[0].id)
    turn = views[0].queue[0].id
    await runner.start()
    return runner, turn


async def commanded(house: House, session_id: str, command: str) -> dict[str, object]:
    """Wait until the hub has this command for the runner."""
    with house.room.bus.subscribe(session_id, "outbox") as subscription:
        while True:
            async with house.room.database.read() as tx:
                for _, _, waiting in await outbox.waiting(tx, session_id):
                    if waiting["command"] == command:
                        return waiting
            await subscription.wait()


async def test_a_turn_as_it_happens(house: House, program: Program) -> None:
    running = await program.start("run", "--model", "demo/demo", "Mend the roof")
    runner, turn = await begun(house)
    await runner.say(
        Stage(name="clone", status="done", detail="12 files", ms=1500),
        AgentMessageChunk(message_id="m", text="I look "),
        AgentMessageChunk(message_id="m", text="around.\x1b[2J\n"),
        ToolCall(tool_call_id="t", tool="bash", kind="execute", title="pytest -q"),
        ToolCallUpdate(tool_call_id="t", status="completed", exit_code=1, ms=2100),
        ToolCall(tool_call_id="u", tool="edit", kind="edit", title="app.py"),
        ToolCallUpdate(tool_call_id="u", status="failed", error="no such file"),
        ToolCall(tool_call_id="v", tool="bash", kind="execute", title="make"),
        ToolCallUpdate(
            tool_call_id="v",
            status="completed",
            output="a\n… 2,000,000 bytes left out …\nb",
            output_left_out=2_000_000,
            whole_output=WholeOutput(blob="ab" * 32, size=2_000_002),
        ),
    )
    await running.says("I look around.")
    await runner.say(TurnEnded(turn_id=turn, outcome="done", ms=3000))
    ended = await running.end()
    assert ended.code == 0, ended.err
    assert "✓ clone: 12 files · 1.5 s" in ended.out
    assert "✓ ran pytest -q · exit 1 · 2.1 s" in ended.out
    assert "✗ edited app.py: no such file" in ended.out
    assert "✓ done · 3.0 s" in ended.out
    assert re.search(
        rf"… long output \(2 MB\): http://\S+/api/sessions/{runner.session_id}/blobs/{'ab' * 32}\n",
        ended.out,
    )
    assert "\x1b" not in ended.out
    assert f"/sessions/{runner.session_id}" in ended.err


async def test_json_is_the_log(house: House, program: Program) -> None:
    running = await program.start("run", "--json", "go")
    runner, turn = await begun(house)
    await runner.say(
        AgentMessageChunk(message_id="m", text="line\nline\u2028line"),
        TurnEnded(turn_id=turn, outcome="done"),
    )
    ended = await running.end()
    assert ended.code == 0, ended.err
    printed = [json.loads(line) for line in ended.out.split("\n") if line]
    log = await house.sessions.events(runner.session_id)
    until = next(i for i, event in enumerate(log) if event.type == "turn_ended") + 1
    assert printed == [event.model_dump(mode="json") for event in log[:until]]


async def test_a_turn_that_fails(house: House, program: Program) -> None:
    running = await program.start("run", "go")
    runner, turn = await begun(house)
    await runner.say(
        Problem(
            code="model_unauthorized",
            message="The model refused the key.",
            remedy="Set OPENAI_API_KEY.",
            detail="401 Unauthorized",
        ),
        TurnEnded(turn_id=turn, outcome="failed", message="The model refused the key."),
    )
    ended = await running.end()
    assert ended.code == 1
    assert "✗ The model refused the key." in ended.out
    assert "  Set OPENAI_API_KEY." in ended.out
    assert "401 Unauthorized" in ended.out


async def test_a_session_that_can_not_be_set_up(house: House, program: Program) -> None:
    running = await program.start("run", "--branch", "mian", "go")
    watcher = house.sessions.follow_all()
    session_id = await anext(watcher)
    runner = Runner(house.room, session_id)
    async with house.room.journal.change(session_id) as change:
        change.record(
            Problem(
                code="branch_not_found",
                message="There is no branch `mian`.",
                suggestions=["main"],
            )
        )
    await runner.start(ok=False)
    ended = await running.end()
    assert ended.code == 1
    assert "✗ There is no branch `mian`." in ended.out
    assert "Did you mean main?" in ended.out


async def test_ctrl_c_stops_the_turn(house: House, program: Program) -> None:
    running = await program.start("run", "go")
    runner, turn = await begun(house)
    await runner.say(AgentMessageChunk(message_id="m", text="Working"))
    await running.says("Working")
    running.signal(signal.SIGINT)
    await commanded(house, runner.session_id, "stop")
    await runner.say(TurnEnded(turn_id=turn, outcome="stopped"))
    ended = await running.end()
    assert ended.code == 130
    assert "■ stopped" in ended.out
    assert "Traceback" not in ended.err


async def test_ctrl_c_before_the_turn_takes_the_prompt_back(house: House, program: Program) -> None:
    watcher = house.sessions.follow_all()
    running = await program.start("run", "go", stderr=asyncio.subprocess.STDOUT)
    session_id = await anext(watcher)
    await running.says("Session")
    running.signal(signal.SIGINT)
    ended = await running.end()
    assert ended.code == 130
    assert (await house.sessions.get(session_id)).queue == []


async def test_detached(house: House, program: Program) -> None:
    ended = await program("run", "--detach", "go")
    assert ended.code == 0
    views, _ = await house.sessions.list()
    assert ended.out.strip() == views[0].id
    assert [prompt.text for prompt in views[0].queue] == ["go"]


async def test_without_a_terminal_it_says_where_to_answer(house: House, program: Program) -> None:
    running = await program.start("run", "go")
    runner, turn = await begun(house)
    await runner.say(PermissionRequested(request_id="r", permission="bash", title="rm -r build"))
    await running.says("It waits for an answer.")
    await runner.say(
        PermissionResolved(request_id="r", reply="reject", by="Ada"),
        TurnEnded(turn_id=turn, outcome="done"),
    )
    ended = await running.end()
    assert ended.code == 0
    assert "◇ The agent asks to use bash: rm -r build" in ended.out
    assert "◇ refused by Ada" in ended.out
    assert "http://bunkhouse.localhost:" in ended.out


async def test_at_a_terminal_it_asks(house: House, program: Program) -> None:
    outside, inside = os.openpty()
    running = await program.start("run", "go", stdin=inside, stdout=inside)
    os.close(inside)
    loop = asyncio.get_running_loop()
    shown = bytearray()
    more = asyncio.Event()

    def read() -> None:
        try:
            shown.extend(os.read(outside, 4096))
        except OSError:
            loop.remove_reader(outside)
        more.set()

    async def shows(text: str) -> None:
        while text not in shown.decode(errors="replace"):
            more.clear()
            try:
                async with asyncio.timeout(20):
                    await more.wait()
            except TimeoutError:
                raise AssertionError(f"{text!r} was not shown: {bytes(shown)!r}") from None

    loop.add_reader(outside, read)
    runner, turn = await begun(house)
    await runner.say(PermissionRequested(request_id="r", permission="bash", title="rm -r build"))
    await shows("Allow it?")
    os.write(outside, b"perhaps\n")
    await shows("Allow it?")
    os.write(outside, b"y\n")
    command = await commanded(house, runner.session_id, "permission")
    assert (command["reply"], command["by"]) == ("once", "Admin")
    await runner.say(
        PermissionResolved(request_id="r", reply="once", by="Admin"),
        QuestionAsked(
            request_id="q",
            questions=[
                Question(
                    question="Which colour?",
                    options=[QuestionOption(label="red"), QuestionOption(label="blue")],
                )
            ],
        ),
    )
    await shows("Answer (a number, or in your words)")
    os.write(outside, b"2\n")
    command = await commanded(house, runner.session_id, "question")
    assert command["answers"] == [["blue"]]
    await runner.say(
        QuestionResolved(request_id="q", answers=[["blue"]], by="Admin"),
        TurnEnded(turn_id=turn, outcome="done"),
    )
    ended = await running.end()
    assert ended.code == 0, ended.err
    loop.remove_reader(outside)
    os.close(outside)


async def test_the_repository_around_the_current_folder(house: House, program: Program) -> None:
    repository = Path("/repos/none")
    (program.folder / ".git").mkdir()
    inner = program.folder / "src"
    inner.mkdir()
    outside = program.folder
    program.folder = inner
    refused = await program("run", "--detach", "go")
    # The catalogue of the tests knows only `/repos`: its refusal names what was asked for.
    assert refused.code == 1
    assert f"{outside} is no repository." in refused.err
    for given in ("none", str(repository)):
        if given == "none":
            ended = await program("run", "--detach", "--repo", given, "go")
            assert ended.code == 0
            assert (await house.sessions.get(ended.out.strip())).repository is None
        else:
            ended = await program("run", "--detach", "--repo", given, "go")
            assert (ended.code, "There is no folder /repos/none" in ended.err) == (1, True)


async def test_a_model_that_is_not_there(house: House, program: Program) -> None:
    ended = await program("run", "--model", "nobody/x", "go")
    assert ended.code == 1
    assert ended.err.startswith("There is no model nobody/x.")
    assert "Traceback" not in ended.err


async def test_files_go_along(house: House, program: Program) -> None:
    shot, notes = program.folder / "shot.png", program.folder / "notes.md"
    shot.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 50)
    notes.write_text("# Notes\n")
    running = await program.start(
        "run", "--attach", "shot.png", "--attach", str(notes), "--detach", "go"
    )
    ended = await running.end()
    assert ended.code == 0, ended.err
    (prompt,) = (await house.sessions.get(ended.out.strip())).queue
    assert [(file.name, file.mime) for file in prompt.attachments] == [
        ("shot.png", "image/png"),
        ("notes.md", "text/plain"),
    ]
    missing = await program("run", "--attach", "none.png", "go")
    assert missing.code == 1
    assert "none.png can't be read" in missing.err
    (program.folder / "x.pdf").write_bytes(b"%PDF\0")
    refused = await program("run", "--attach", "x.pdf", "go")
    assert refused.code == 1 and "neither a picture" in refused.err
    assert len((await house.sessions.list())[0]) == 1


async def test_what_others_say_meanwhile_is_told(house: House, program: Program) -> None:
    running = await program.start("run", "go")
    runner, turn = await begun(house)
    later = await house.sessions.prompt(runner.session_id, "then\nthis", house.admin)
    await house.sessions.edit_prompt(
        runner.session_id, later.id, {"text": "then that"}, house.admin
    )
    await house.sessions.withdraw(runner.session_id, later.id, house.admin)
    async with house.room.journal.change(runner.session_id) as change:
        change.record(PromptSteered(prompt_id=later.id, turn_id=turn))
    await runner.say(TurnEnded(turn_id=turn, outcome="done"))
    ended = await running.end()
    lines = [line for line in ended.out.splitlines() if line.startswith("»")]
    assert lines == [
        "» Admin, next: then…",
        "» Admin changed it: then that",
        "» taken back: then that",
        "» the agent read: then that",
    ]


async def message(reader: asyncio.StreamReader) -> bytes:
    """One whole message of HTTP, with a length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return head + await reader.readexactly(int(length[1]) if length else 0)


async def test_an_answer_that_was_lost_is_asked_for_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked is done, its answer breaks off on the way twice, and it is done once."""
    monkeypatch.setattr(hub, "_PAUSES", (0.01,) * 5)
    answers: list[bytes] = []

    async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await message(reader)
        ahead, behind = await asyncio.open_connection("127.0.0.1", int(house.url.split(":")[2]))
        behind.write(asked)
        answers.append(await message(ahead))
        behind.close()
        if len(answers) > 2:
            writer.write(answers[-1])
        writer.close()

    server = await asyncio.start_server(between, "127.0.0.1", 0)
    there = hub.Hub(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", house.token)
    made = await asyncio.to_thread(
        there.ask, "POST", "/api/sessions", json={"title": "t"}, once=True
    )
    server.close()
    assert len(answers) == 3
    assert [view.id for view in (await house.sessions.list())[0]] == [made["id"]]
