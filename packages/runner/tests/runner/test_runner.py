"""A runner from its first dial to its end: setting up, turns, questions, restarts."""

import asyncio
from pathlib import Path

import httpx2
import pytest

from bunkhouse_protocol.events import (
    AgentMessageChunk,
    Notice,
    PermissionResolved,
    Problem,
    QuestionResolved,
    Stage,
    ToolCallUpdate,
)
from bunkhouse_protocol.link import (
    CommitIdentity,
    PermissionCommand,
    PromptCommand,
    QuestionCommand,
    SetupCommand,
    StopCommand,
)
from bunkhouse_runner import runner as runner_module
from bunkhouse_runner import turns
from bunkhouse_runner.agents.base import Emit
from bunkhouse_runner.processes import Account
from bunkhouse_runner.surroundings import Bare

from .conftest import Doors
from .fake_agent import FakeAgent
from .git_door import GitDoor
from .house import House, spec


@pytest.fixture
async def house(room: Path, door: GitDoor, doors: Doors) -> House:
    return House(room, door, doors)


async def test_from_nothing_to_a_finished_turn(house: House, origin: Path) -> None:
    async with house.serve(), house.running():
        await house.ready()
        ready = house.hub.ready[0]
        assert (ready.ok, ready.branch, ready.running_turn) == (True, "main", None)
        assert ready.base_commit
        assert sorted(house.stages) == [
            ("agent", "done"),
            ("agent", "started"),
            ("clone", "done"),
            ("clone", "started"),
        ]
        done = [e for e in house.hub.of("stage") if isinstance(e, Stage) and e.status == "done"]
        assert all(event.ms is not None for event in done)
        ended = await house.turn("t1", "say Hello")
        assert (ended.outcome, ended.output_tokens, ended.cost) == ("done", 5, 0.5)
        assert ended.ms is not None
        said = [e.text for e in house.hub.stored.events if isinstance(e, AgentMessageChunk)]
        assert "".join(said) == "Hello"
        assert house.hub.stored.outbox == {}
    assert house.hub.complaints == []
    assert house.agent.calls[-1] == "close"


async def test_the_agent_starts_while_the_clone_runs(house: House) -> None:
    hold = asyncio.Event()

    def prepare(agent: FakeAgent) -> None:
        agent.hold_start = hold

    house.prepare = prepare
    async with house.serve(), house.running():
        await house.hub.until(lambda: ("clone", "done") in house.stages)
        assert ("agent", "started") in house.stages
        assert ("agent", "done") not in house.stages
        assert house.hub.ready == []
        hold.set()
        await house.ready()


async def test_turns_run_one_after_the_other(house: House) -> None:
    async with house.serve(), house.running():
        for number in range(3):
            text = f"say {number}"
            await house.hub.command(PromptCommand(turn_id=f"t{number}", text=text, model="d/d"))
        await house.ended("t2")
    assert [turn.turn_id for turn in house.turns] == ["t0", "t1", "t2"]
    assert [call for call in house.agent.calls if call.startswith("prompt")] == [
        "prompt say 0",
        "prompt say 1",
        "prompt say 2",
    ]


async def test_changes_are_told_after_the_turn_that_made_them(house: House) -> None:
    async with house.serve(), house.running():
        await house.ready()
        await house.turn("t1", "write new.txt")
        await house.hub.until(lambda: len(house.changes) == 1)
        assert [file.path for file in house.changes[0].files] == ["new.txt"]
        await house.turn("t2", "say nothing new")
        await house.turn("t3", "write other.txt")
        await house.hub.until(lambda: len(house.changes) == 2)
        assert len(house.changes[1].files) == 2
        transport = httpx2.AsyncHTTPTransport(uds=str(house.room / "run" / "gateway.sock"))
        async with httpx2.AsyncClient(transport=transport, base_url="http://g") as client:
            answer = (await client.get("/changes")).json()
    assert "+written" in answer["diff"]
    assert len(house.changes) == 2


async def test_a_turn_is_stopped(house: House) -> None:
    async with house.serve(), house.running():
        await house.ready()
        await house.hub.command(PromptCommand(turn_id="t1", text="hang", model="d/d"))
        await house.hub.until(lambda: bool(house.hub.of("tool_call")))
        await house.hub.command(StopCommand(turn_id="other"))
        await house.hub.command(StopCommand(turn_id="t1"))
        assert (await house.ended("t1")).outcome == "stopped"
        assert house.agent.calls.count("stop") == 1
        left = [e for e in house.hub.stored.events if isinstance(e, ToolCallUpdate)]
        assert [(e.tool_call_id, e.status) for e in left] == [("slow", "failed")]
        assert (await house.turn("t2", "say on")).outcome == "done"


async def test_a_turn_that_does_not_stop_is_given_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "STOP_SECONDS", 0.05)
    async with house.serve(), house.running():
        await house.ready()
        await house.hub.command(PromptCommand(turn_id="t1", text="stubborn", model="d/d"))
        await house.hub.command(StopCommand(turn_id="t1"))
        assert (await house.ended("t1")).outcome == "stopped"
        assert (await house.turn("t2", "say on")).outcome == "done"


async def test_a_waiting_turn_is_stopped_before_it_begins(house: House) -> None:
    async with house.serve(), house.running():
        await house.ready()
        await house.hub.command(PromptCommand(turn_id="t1", text="hang", model="d/d"))
        await house.hub.command(PromptCommand(turn_id="t2", text="say no", model="d/d"))
        await house.hub.command(StopCommand(turn_id="t2"))
        assert (await house.ended("t2")).outcome == "stopped"
        await house.hub.command(StopCommand(turn_id="t1"))
        await house.ended("t1")
    assert "prompt say no" not in house.agent.calls


async def test_failures_of_an_agent_end_the_turn(house: House) -> None:
    async with house.serve(), house.running():
        await house.ready()
        failed = await house.turn("t1", "fail")
        assert (failed.outcome, failed.code, failed.message) == (
            "failed",
            "model_unauthorized",
            "The key is wrong.",
        )
        broken = await house.turn("t2", "break")
        assert (broken.outcome, broken.code) == ("failed", "agent_failed")
        assert (await house.turn("t3", "say on")).outcome == "done"


async def test_a_permission_is_answered_once(house: House) -> None:
    async with house.serve(), house.running():
        await house.ready()
        await house.hub.command(PromptCommand(turn_id="t1", text="ask", model="d/d"))
        await house.hub.until(lambda: bool(house.hub.of("permission_requested")))
        answer = PermissionCommand(request_id="p1", reply="reject", by="Ada", message="Don't.")
        await house.hub.command(answer)
        assert (await house.ended("t1")).outcome == "done"
        await house.hub.command(answer.model_copy(update={"reply": "once"}))
        await house.hub.until(lambda: not house.hub.stored.outbox)
        await house.turn("t2", "say on")
    resolved = [e for e in house.hub.stored.events if isinstance(e, PermissionResolved)]
    assert [(e.reply, e.by) for e in resolved] == [("reject", "Ada")]
    assert "permission p1 reject Don't." in house.agent.calls


async def test_a_question_is_answered(house: House) -> None:
    async with house.serve(), house.running():
        await house.ready()
        await house.hub.command(PromptCommand(turn_id="t1", text="question", model="d/d"))
        await house.hub.until(lambda: bool(house.hub.of("question_asked")))
        await house.hub.command(QuestionCommand(request_id="q1", answers=[["this"]], by="Ada"))
        await house.ended("t1")
    resolved = [e for e in house.hub.stored.events if isinstance(e, QuestionResolved)]
    assert [(e.answers, e.by) for e in resolved] == [([["this"]], "Ada")]


async def test_setting_up_fails_and_is_tried_again_with_another_branch(house: House) -> None:
    house.hub.spec = spec("mian")
    async with house.serve(), house.running():
        await house.ready()
        assert not house.hub.ready[0].ok
        problems = [e for e in house.hub.stored.events if isinstance(e, Problem)]
        assert [(e.code, e.suggestions) for e in problems] == [("branch_not_found", ["main"])]
        assert ("clone", "failed") in house.stages
        await house.hub.command(SetupCommand(session=spec("main")))
        await house.ready(2)
        assert (house.hub.ready[1].ok, house.hub.ready[1].branch) == (True, "main")
        assert (await house.turn("t1", "say on")).outcome == "done"
    # The agent was not started anew for it.
    assert house.agent.calls.count("start demo/demo") == 1


async def test_an_agent_that_does_not_start_is_tried_again(house: House) -> None:
    def prepare(agent: FakeAgent) -> None:
        agent.start_failures = 1

    house.prepare = prepare
    async with house.serve(), house.running():
        await house.ready()
        assert not house.hub.ready[0].ok
        problems = [e for e in house.hub.stored.events if isinstance(e, Problem)]
        assert [(e.code, e.remedy) for e in problems] == [("agent_failed", "Let it rest.")]
        await house.hub.command(SetupCommand(session=spec()))
        await house.ready(2)
        assert house.hub.ready[1].ok
    assert house.stages.count(("clone", "done")) == 1


async def test_a_failed_setting_up_is_told_again_when_the_hub_comes_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "SETTLE_SECONDS", 0.05)
    house.hub.spec = spec("mian")
    async with house.running():
        async with house.serve():
            await house.ready()
        async with house.serve():
            await house.ready(2)
    assert [ready.ok for ready in house.hub.ready] == [False, False]
    assert house.stages.count(("clone", "started")) == 1


async def test_a_hub_that_restarts_in_a_turn_misses_nothing(house: House) -> None:
    async with house.running():
        async with house.serve():
            await house.ready()
            await house.hub.command(PromptCommand(turn_id="t1", text="hang", model="d/d"))
            await house.hub.until(lambda: bool(house.hub.of("tool_call")))
        async with house.serve():
            await house.ready(2)
            assert house.hub.ready[1].running_turn == "t1"
            await house.hub.command(StopCommand(turn_id="t1"))
            assert (await house.ended("t1")).outcome == "stopped"
    assert house.hub.complaints == []


async def test_a_runner_that_restarts_goes_on_where_it_was(house: House) -> None:
    async with house.serve():
        async with house.running():
            await house.ready()
            await house.turn("t1", "write work.txt")
            await house.hub.command(PromptCommand(turn_id="t2", text="hang", model="d/d"))
            await house.hub.until(lambda: bool(house.hub.of("tool_call")))
        requests = list(house.door.requests)
        async with house.running():
            lost = await house.ended("t2")
            assert (lost.outcome, lost.code) == ("failed", "runner_restarted")
            await house.ready(2)
            assert house.hub.ready[1].running_turn is None
            assert house.hub.ready[1].base_commit == house.hub.ready[0].base_commit
            assert (await house.turn("t3", "say on")).outcome == "done"
            assert house.door.requests == requests
    assert (house.room / "workspace" / "work.txt").exists()
    assert house.agent.calls[:3] == ["close", "start demo/demo", "begin agent-session-1"]
    updates = [e for e in house.hub.stored.events if isinstance(e, ToolCallUpdate)]
    assert [(e.tool_call_id, e.status) for e in updates] == [("slow", "failed")]
    assert house.hub.complaints == []


async def test_a_prompt_that_came_before_a_restart_is_carried_out_after_it(house: House) -> None:
    house.hub.spec = spec("mian")
    async with house.serve():
        async with house.running():
            await house.ready()
            await house.hub.command(PromptCommand(turn_id="t1", text="say late", model="d/d"))
            await house.hub.until(lambda: not house.hub.stored.outbox)
        house.hub.spec = spec()
        async with house.running():
            assert (await house.ended("t1")).outcome == "done"


async def test_a_turn_in_which_nothing_happens_is_ended(house: House) -> None:
    house.hub.spec = spec().model_copy(update={"turn_stall_seconds": 0.2})
    async with house.serve(), house.running():
        await house.ready()
        ended = await house.silent_turn("t1", "silent")
        assert (ended.outcome, ended.code) == ("failed", "turn_stalled")
        problem = next(e for e in house.hub.stored.events if isinstance(e, Problem))
        assert problem.code == "turn_stalled"
        assert "it was given the prompt" in problem.message
        assert problem.remedy is not None
        assert problem.remedy.startswith("Retry")
        assert house.agent.calls.count("stop") == 1
        assert (await house.turn("t2", "say on")).outcome == "done"


async def test_a_turn_that_stalls_and_does_not_stop_is_given_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "STOP_SECONDS", 0.05)
    house.hub.spec = spec().model_copy(update={"turn_stall_seconds": 0.2})
    async with house.serve(), house.running():
        await house.ready()
        assert (await house.silent_turn("t1", "stubborn")).code == "turn_stalled"
        assert (await house.turn("t2", "say on")).outcome == "done"


async def test_a_tool_and_a_person_may_take_longer(house: House) -> None:
    limits = {"turn_stall_seconds": 0.2, "tool_stall_seconds": 60.0}
    house.hub.spec = spec().model_copy(update=limits)
    async with house.serve(), house.running():
        await house.ready()
        for turn, text in (("t1", "hang"), ("t2", "ask")):
            await house.hub.command(PromptCommand(turn_id=turn, text=text, model="d/d"))
            kind = "tool_call" if text == "hang" else "permission_requested"
            await house.hub.until(lambda kind=kind: bool(house.hub.of(kind)))
            # Beyond the limit it was looked for silence, and is so still: nothing came of it.
            house.clock.now += 0.6
            await house.clock.looked_at(6)
            assert not any(isinstance(e, Problem) for e in house.hub.stored.events)
            await house.hub.command(StopCommand(turn_id=turn))
            await house.ended(turn)


async def test_a_tool_that_prints_nothing_for_too_long_is_named(house: House) -> None:
    house.hub.spec = spec().model_copy(update={"tool_stall_seconds": 0.2})
    async with house.serve(), house.running():
        await house.ready()
        assert (await house.silent_turn("t1", "hang")).code == "turn_stalled"
        problem = next(e for e in house.hub.stored.events if isinstance(e, Problem))
        assert "bash `sleep` began" in problem.message


async def test_what_is_told_while_it_ends_reaches_the_hub(house: House) -> None:
    class Around(Bare):
        def __init__(self, emit: Emit, account: Account, workspace: Path) -> None:
            super().__init__(emit, account, workspace)
            self._emit = emit

        async def close(self) -> None:
            self._emit(Notice(code="closed", message="The editor was put down."))

    house.surroundings = Around
    async with house.serve():
        async with house.running():
            await house.ready()
        assert [e.code for e in house.hub.stored.events if isinstance(e, Notice)] == ["closed"]


async def test_a_runner_that_ends_takes_no_commands_any_more(house: House) -> None:
    hold = asyncio.Event()
    closing = asyncio.Event()

    class Around(Bare):
        async def close(self) -> None:
            closing.set()
            await hold.wait()

    async def command() -> None:
        await closing.wait()
        await house.hub.command(PromptCommand(turn_id="t1", text="say late", model="d/d"))
        hold.set()

    house.surroundings = Around
    async with house.serve():
        commanding = asyncio.create_task(command())
        async with house.running():
            await house.ready()
        await commanding
        assert list(house.hub.stored.outbox) == ["c1"]
        house.surroundings = Bare
        async with house.running():
            assert (await house.ended("t1")).outcome == "done"


async def test_a_hub_that_is_away_does_not_hold_up_the_end(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "LAST_WORDS_SECONDS", 3600)
    async with asyncio.timeout(20), house.running():
        async with house.serve():
            await house.ready()
        # What the end of a turn says from here on stays in the spool.
        house.agent.emit(Notice(code="late", message="The hub is away."))
    async with house.serve(), house.running():
        await house.hub.until(lambda: bool(house.hub.of("notice")))


async def test_a_prompt_whose_turn_the_hub_ended_is_not_carried_out(house: House) -> None:
    """It came, and the runner died before it began; the hub says since that it failed."""
    house.hub.spec = spec("mian")
    async with house.serve():
        async with house.running():
            await house.ready()
            for turn in ("t1", "t2"):
                said = PromptCommand(turn_id=turn, text=f"say {turn}", model="d/d")
                await house.hub.command(said)
            await house.hub.until(lambda: not house.hub.stored.outbox)
        house.hub.spec, house.hub.turns = spec(), ["t2"]
        async with house.running():
            assert (await house.ended("t2")).outcome == "done"
    assert [call for call in house.agent.calls if call.startswith("prompt")] == ["prompt say t2"]


async def test_a_turn_that_the_hub_ended_meanwhile_is_stopped(house: House) -> None:
    async with house.running():
        async with house.serve():
            await house.ready()
            await house.hub.command(PromptCommand(turn_id="t1", text="hang", model="d/d"))
            await house.hub.until(lambda: bool(house.hub.of("tool_call")))
        house.hub.turns = []
        async with house.serve():
            assert (await house.ended("t1")).outcome == "stopped"


async def test_a_turn_is_signed_by_whoever_asked_for_it(house: House, room: Path) -> None:
    def name() -> str:
        config = (room / "home" / ".config" / "bunkhouse" / "gitconfig").read_text()
        return config.partition("name = ")[2].partition("\n")[0].strip('"')

    async with house.serve(), house.running():
        await house.ready()
        assert name() == "Ada"
        bob = CommitIdentity(name="Bob", email="bob@example.org")
        await house.hub.command(PromptCommand(turn_id="t1", text="hang", model="d/d", author=bob))
        await house.hub.until(lambda: bool(house.hub.of("tool_call")))
        assert name() == "Bob"
        await house.hub.command(StopCommand(turn_id="t1"))
        await house.ended("t1")
        await house.turn("t2", "say hi")
        assert name() == "Ada"
