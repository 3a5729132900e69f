"""OpenCode's process: killed, gone, away, in somebody else's name; and its event stream cut."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from signal import SIGKILL, SIGSTOP

import pytest

from bunkhouse_protocol.events import (
    AgentMessageChunk,
    Notice,
    PermissionRequested,
    ToolCallUpdate,
    ToolOutputChunk,
)
from bunkhouse_runner.errors import AgentFailed
from bunkhouse_runner.processes import Account

from .bench import Bench, spec
from .conftest import Benches
from .model_server import Call, Finish, Gate, Text

pytestmark = pytest.mark.asyncio(loop_scope="session")
DONE = (Text("Done."), Finish())


async def test_a_killed_opencode_comes_back_with_its_session(bench: Bench) -> None:
    await bench.turn([Text("Remember me."), Finish()])
    command = Call("bash", {"command": "echo go; sleep 98764", "description": "d"})
    fetch = Call("webfetch", {"url": "http://127.0.0.1:9/", "format": "text"})
    turn = bench.prompt([command, fetch, Finish()])
    await bench.until(ToolOutputChunk)
    asked = await bench.until(PermissionRequested)
    bench.signal(SIGKILL)
    result = await turn
    assert (result.outcome, result.code) == ("failed", "agent_died")
    assert {call.error for call in bench.calls()} == {"The agent's process ended."}
    await bench.gone("sleep 98764")
    assert not await bench.agent.answer_permission(asked.request_id, "once", None)
    await bench.until(Notice, lambda notice: notice.code == "agent_restarted")
    assert (await bench.turn(DONE)).outcome == "done"
    assert bench.said() == ["Done."]
    assert "Remember me." in [m.get("content") for m in bench.model.requests[0]["messages"]]


async def test_an_opencode_that_hears_nothing_is_killed_by_a_stop(bench: Bench) -> None:
    turn = bench.prompt([Text("Half a"), Gate()])
    await bench.until_text("Half a")
    bench.signal(SIGSTOP)
    await bench.agent.stop_turn()
    assert (await turn).outcome == "stopped"
    assert bench.said() == ["Half a"]
    assert (await bench.turn(DONE)).outcome == "done"


async def test_a_cut_event_stream_loses_nothing(bench: Bench) -> None:
    first, second = Gate(), Gate()
    command = {"command": "echo out", "description": "d"}
    turn = bench.prompt(
        [Text("One "), first, Text("two "), Call("bash", command), Finish()],
        [Text("three "), second, Text("four."), Finish()],
    )
    await bench.until_text("One ")
    with bench.between.deaf():
        first.open()
        await second.reached.wait()
    second.open()
    assert (await turn).outcome == "done"
    assert bench.said() == ["One two ", "three four."]
    (call,) = bench.calls()
    assert (call.status, call.output) == ("completed", "out\n")
    assert len([u for u in bench.all(ToolCallUpdate) if u.status == "completed"]) == 1


async def test_a_request_that_came_while_we_were_deaf_is_told(bench: Bench) -> None:
    gate = Gate()
    fetch = Call("webfetch", {"url": "http://127.0.0.1:9/x", "format": "text", "timeout": 5})
    visit = Call("bash", {"command": bench.model.visit_command, "description": "d"})
    turn = bench.prompt([Text("One"), gate, fetch, visit, Finish()], DONE)
    await bench.until_text("One")
    with bench.between.deaf():
        gate.open()
        await bench.model.visited.wait()
    asked = await bench.until(PermissionRequested)
    assert await bench.agent.answer_permission(asked.request_id, "once", None)
    assert (await turn).outcome == "done"
    assert len(bench.all(PermissionRequested)) == 1
    assert bench.said() == ["One", "Done."]


async def test_a_request_that_is_lost_ends_the_turn(bench: Bench) -> None:
    """OpenCode can't list this one: its metadata has no time limit in it."""
    gate = Gate()
    fetch = Call("webfetch", {"url": "http://127.0.0.1:9/x", "format": "text"})
    visit = Call("bash", {"command": bench.model.visit_command, "description": "d"})
    turn = bench.prompt([Text("One"), gate, fetch, visit, Finish()], DONE)
    await bench.until_text("One")
    with bench.between.deaf():
        gate.open()
        await bench.model.visited.wait()
    result = await turn
    assert (result.outcome, result.code) == ("failed", "agent_failed")
    assert (await bench.turn(DONE)).outcome == "done"


async def test_a_new_runner_takes_the_session_up(bench: Bench) -> None:
    await bench.turn([Text("Before."), Finish()])
    await bench.agent.close()
    bench.agent = bench.new_agent()
    await bench.up()
    assert (await bench.turn(DONE)).outcome == "done"
    assert bench.said() == ["Done."]
    assert "Before." in [m.get("content") for m in bench.model.requests[0]["messages"]]
    assert len(bench.all(AgentMessageChunk)) == 1


async def test_it_runs_as_the_agents_user_and_a_repository_changes_no_rules(
    benches: Benches, open_folder: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can start programs as somebody else")
    account = replace(Account.named("nobody", open_folder / "home"), shell="/bin/bash")
    account.home.mkdir()
    account.own(account.home)
    program = open_folder / "opencode"
    shutil.copy(benches.binary, program)
    async with benches.bench(account, str(program)) as bench:
        workspace = bench.workspace
        elsewhere = {"options": {"baseURL": "http://127.0.0.1:9/v1", "apiKey": "x"}}
        own = {"permission": {"edit": "allow"}, "provider": {"demo": elsewhere}}
        (workspace / "opencode.json").write_text(json.dumps(own))
        for path in (workspace, *workspace.rglob("*")):
            account.own(path)
        await bench.up({"edit": "ask"})
        write = Call("write", {"filePath": str(workspace / "n.txt"), "content": "new\n"})
        who = Call("bash", {"command": "id -un", "description": "d"})
        turn = bench.prompt([write, Finish()], [who, Finish()], DONE)
        asked = await bench.until(PermissionRequested)
        proposed = await bench.until(ToolCallUpdate, lambda update: update.diff is not None)
        assert proposed.diff is not None and proposed.diff.endswith("+new\n")
        assert asked.title == "n.txt"
        await bench.agent.answer_permission(asked.request_id, "once", None)
        assert (await turn).outcome == "done"
        assert bench.calls()[1].output == "nobody\n"
        assert (workspace / "n.txt").stat().st_uid == account.uid

        (workspace / "opencode.json").write_text('{"model": 5}')
        assert (await bench.turn(DONE, model="demo/another")).outcome == "done"
        assert [notice.code for notice in bench.all(Notice)] == ["project_config_ignored"]


async def test_a_program_that_is_not_there_is_one_clear_error(bench: Bench) -> None:
    nowhere = bench.new_agent("/no/such/opencode")
    with pytest.raises(AgentFailed, match="could not be started"):
        await nowhere.start(spec(), bench.workspace)
    await nowhere.close()
