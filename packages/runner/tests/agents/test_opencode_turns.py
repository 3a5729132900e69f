"""A turn as people see it: words, thoughts, tools, the plan, what it cost."""

from pathlib import Path

import pytest

from bunkhouse_protocol.events import (
    AgentMessageChunk,
    Notice,
    PermissionRequested,
    Plan,
    ToolCall,
    ToolOutputChunk,
)

from .bench import TOKEN, Bench
from .model_server import Call, Finish, Gate, Status, Text, Thought

pytestmark = pytest.mark.asyncio(loop_scope="session")
DONE = (Text("Done."), Finish())


async def test_words_and_thoughts_stream_and_the_turn_is_counted(bench: Bench) -> None:
    gate = Gate()
    turn = bench.prompt(
        [Thought("Let me see."), Text("Hello, ", 3), gate, Text("world."), Finish()]
    )
    await bench.until_text("Hello, ")
    assert bench.thought() == ["Let me see."]
    gate.open()
    result = await turn
    assert (result.outcome, result.input_tokens, result.output_tokens) == ("done", 11, 7)
    assert bench.said() == ["Hello, world."]
    assert len(bench.all(AgentMessageChunk)) >= 3


async def test_one_model_call_a_turn_with_the_sandbox_token(bench: Bench) -> None:
    await bench.turn(DONE, text="What is this?")
    assert [request["path"] for request in bench.model.requests] == [
        "/sandbox/models/demo/v1/chat/completions"
    ]
    assert bench.model.authorizations == [f"Bearer {TOKEN}"]
    assert bench.model.requests[0]["messages"][-1]["content"] == "What is this?"


async def test_another_model_may_be_named_at_any_prompt(bench: Bench) -> None:
    result = await bench.turn(DONE, model="openai/never-heard-of-it")
    assert result.outcome == "done"
    assert bench.model.requests[0]["model"] == "never-heard-of-it"
    assert bench.model.requests[0]["path"].startswith("/sandbox/models/openai/v1/")
    assert bench.said() == ["Done."]
    result = await bench.turn(DONE, model="nobody/x")
    assert (result.outcome, result.code) == ("failed", "model_not_found")


async def test_other_dialects_are_spoken_at_their_doors(bench: Bench) -> None:
    result = await bench.turn([Status(400, "No.")], model="anthropic/claude-x")
    assert bench.model.requests[0]["path"] == "/sandbox/models/anthropic/anthropic/v1/messages"
    assert bench.model.keys == [TOKEN]
    assert (result.outcome, result.code) == ("failed", "model_refused")
    result = await bench.turn([Status(400, "No.")], model="gemini/gemini-x")
    path = bench.model.requests[0]["path"]
    assert path.startswith("/sandbox/models/gemini/gemini/v1beta/models/gemini-x:stream")
    assert bench.model.keys == [TOKEN]


async def test_a_command_streams_its_output_and_tells_its_exit_code(
    bench: Bench, workspace: Path
) -> None:
    command = "echo first; while [ ! -e go ]; do sleep 0.02; done; rm go; echo second >&2; exit 3"
    turn = bench.prompt([Call("bash", {"command": command, "description": "d"}), Finish()], DONE)
    chunk = await bench.until(ToolOutputChunk)
    assert chunk.text == "first\n"
    (workspace / "go").touch()
    result = await turn
    assert result.outcome == "done"
    (call,) = bench.calls()
    assert (call.title, call.status, call.exit_code) == (command, "failed", 3)
    assert call.output == "first\nsecond\n"
    assert call.ms is not None and call.error is None
    assert bench.live_output(call.tool_call_id) == "first\nsecond\n"
    assert bench.all(ToolCall)[0].kind == "execute"
    assert (result.input_tokens, result.output_tokens) == (22, 14)


async def test_a_long_output_keeps_its_head_and_its_tail(bench: Bench) -> None:
    await bench.turn(
        [Call("bash", {"command": "seq 1 60000; sleep 0.3", "description": "d"}), Finish()], DONE
    )
    (call,) = bench.calls()
    assert call.output is not None and call.output_truncated
    assert call.output.startswith("1\n2\n3\n") and call.output.endswith("59999\n60000\n")
    assert f"\n… {call.output_left_out:,} bytes left out …\n" in call.output
    assert len(call.output) < 70_000
    whole = "".join(f"{n}\n" for n in range(1, 60_001)).encode()
    assert call.whole_output is not None and call.whole_output.size == len(whole)
    assert bench.kept == {call.whole_output.blob: whole}


async def test_an_output_that_opencode_shortens_is_whole_for_people(bench: Bench) -> None:
    await bench.turn([Call("bash", {"command": "seq 1 5000", "description": "d"}), Finish()], DONE)
    (call,) = bench.calls()
    assert call.output == "".join(f"{n}\n" for n in range(1, 5001))
    assert not call.output_truncated


async def test_edits_and_writes_carry_a_diff(bench: Bench, workspace: Path) -> None:
    path = str(workspace / "a.txt")
    await bench.turn(
        [Call("read", {"filePath": path}), Finish()],
        [Call("edit", {"filePath": path, "oldString": "beta", "newString": "BETA"}), Finish()],
        [Call("write", {"filePath": str(workspace / "sub/b.txt"), "content": "one\n"}), Finish()],
        [Call("write", {"filePath": path, "content": "alpha\nrest"}), Finish()],
        DONE,
    )
    read, edit, new, over = bench.calls()
    assert (read.title, read.output) == ("a.txt", "alpha\nbeta\ngamma")
    assert edit.title == "a.txt"
    assert edit.diff == "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n alpha\n-beta\n+BETA\n gamma\n"
    assert new.diff == "--- /dev/null\n+++ b/sub/b.txt\n@@ -0,0 +1 @@\n+one\n"
    assert over.diff == (
        "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,2 @@\n alpha\n-BETA\n-gamma\n+rest\n"
        "\\ No newline at end of file\n"
    )
    assert [call.kind for call in bench.all(ToolCall)] == ["read", "edit", "edit", "edit"]
    assert (workspace / "a.txt").read_text() == "alpha\nrest"


async def test_tools_that_fail_say_why(bench: Bench, workspace: Path) -> None:
    wrong = {"filePath": str(workspace / "a.txt"), "oldString": "nope", "newString": "x"}
    await bench.turn(
        [Call("edit", wrong), Call("no_such_tool", {"x": 1}), Finish()],
        DONE,
    )
    edit, unknown = bench.calls()
    assert edit.status == unknown.status == "failed"
    assert edit.error is not None and "oldString" in edit.error
    assert unknown.error is not None and "no_such_tool" in unknown.error


async def test_the_plan_is_told_whole_and_once(bench: Bench) -> None:
    todos = [
        {"content": "Look", "status": "completed", "priority": "high"},
        {"content": "Do", "status": "in_progress", "priority": "low"},
    ]
    await bench.turn([Call("todowrite", {"todos": todos}), Finish()], DONE)
    (plan,) = bench.all(Plan)
    assert [entry.model_dump() for entry in plan.entries] == todos


async def test_a_subagents_words_stay_out_of_the_text(bench: Bench) -> None:
    task = {"description": "Look around", "prompt": "Find it", "subagent_type": "general"}
    result = await bench.turn(
        [Text("I ask. "), Call("task", task), Finish()],
        [Text("secret"), Call("bash", {"command": "echo sub", "description": "d"}), Finish()],
        [Text("Found it."), Finish()],
        [Text("There."), Finish()],
    )
    assert bench.said() == ["I ask. ", "There."]
    (call,) = bench.calls()
    assert (call.title, call.status, call.output) == ("Look around", "completed", "Found it.")
    assert bench.live_output(call.tool_call_id) == "bash echo sub\n"
    assert result.input_tokens == 44


async def test_paths_outside_and_repeated_calls_need_no_permission(bench: Bench) -> None:
    same = Call("bash", {"command": "ls /", "description": "d"})
    await bench.turn(*[[same, Finish()] for _ in range(4)], DONE)
    assert [call.status for call in bench.calls()] == ["completed"] * 4
    assert bench.all(PermissionRequested) == []


async def test_an_answer_that_is_cut_off_by_its_limit_says_so(bench: Bench) -> None:
    result = await bench.turn([Text("abc"), Finish("length")])
    assert result.outcome == "done"
    assert [notice.code for notice in bench.all(Notice)] == ["answer_cut"]


async def test_the_clone_that_came_after_the_start_is_a_git_repository_to_it(
    bench: Bench, workspace: Path
) -> None:
    await bench.turn(DONE)
    system = bench.model.requests[0]["messages"][0]["content"]
    assert f"Working directory: {workspace}" in system
    assert "Is directory a git repo: yes" in system


async def test_the_token_is_in_no_environment_and_no_public_file(bench: Bench) -> None:
    await bench.turn([Call("bash", {"command": "env", "description": "d"}), Finish()], DONE)
    (call,) = bench.calls()
    assert call.output is not None and TOKEN not in call.output
    folder = bench.account.home / ".config/bunkhouse"
    assert folder.stat().st_mode & 0o077 == 0
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o077 == 0
