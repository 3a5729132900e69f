"""Set-up commands: run once in a workspace, told as they go, and again when somebody asks."""

import asyncio
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bunkhouse_protocol.configuring import SetUp
from bunkhouse_protocol.events import (
    Event,
    Notice,
    Problem,
    Stage,
    ToolCall,
    ToolCallUpdate,
    ToolOutputChunk,
)
from bunkhouse_runner.pictures import name_of
from bunkhouse_runner.processes import Account
from bunkhouse_runner.set_up_commands import SetUpCommands
from bunkhouse_runner.spool import Drawer, Spool

from .test_processes import alive


@dataclass
class Bench:
    room: Path
    account: Account
    variables: dict[str, str] = field(default_factory=dict[str, str])
    told: list[Event] = field(default_factory=list[Event])
    kept: list[bytes] = field(default_factory=list[bytes])
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.workspace = self.room / "workspace"
        self.workspace.mkdir(exist_ok=True)
        self.account.own(self.workspace)
        self.spool = Spool(self.room / "spool.db")
        self.commands = self.anew()

    def anew(self) -> SetUpCommands:
        """As a runner that is started again."""
        as_agent = replace(self.account, variables=self.variables)
        memory = Drawer(self.spool, "setup")
        return SetUpCommands(self.tell, memory, as_agent, self.workspace, self.keep)

    def keep(self, data: bytes) -> str:
        self.kept.append(data)
        return name_of(data)

    def tell(self, event: Event) -> None:
        self.told.append(event)
        self.heard.set()

    async def until(self, kind: type[Event]) -> None:
        while not any(isinstance(event, kind) for event in self.told):
            self.heard.clear()
            await self.heard.wait()

    @property
    def updates(self) -> list[ToolCallUpdate]:
        return [event for event in self.told if isinstance(event, ToolCallUpdate)]

    @property
    def stages(self) -> list[tuple[str, str | None]]:
        return [(event.status, event.detail) for event in self.told if isinstance(event, Stage)]


@pytest.fixture
def bench(room: Path, account: Account) -> Bench:
    return Bench(room, replace(account, shell="/bin/bash"))


def wanted(*commands: str, seconds: float = 60.0) -> SetUp:
    return SetUp(commands=list(commands), seconds=seconds)


async def test_they_run_in_order_in_the_workspace_as_the_agents_user(bench: Bench) -> None:
    bench.variables["COLOUR"] = "blue"
    await bench.commands.run_once(
        wanted("echo $COLOUR > a; pwd; id -u", "cat a\necho to stderr >&2", "echo hi > /dev/stdout")
    )
    assert [event.title for event in bench.told if isinstance(event, ToolCall)] == [
        "echo $COLOUR > a; pwd; id -u",
        "cat a echo to stderr >&2",
        "echo hi > /dev/stdout",
    ]
    here = f"{bench.workspace}\n{bench.account.uid}\n"
    assert [update.output for update in bench.updates] == [here, "blue\nto stderr\n", "hi\n"]
    assert {(each.status, each.exit_code, each.error) for each in bench.updates} == {
        ("completed", 0, None)
    }
    assert bench.stages == [
        ("started", None),
        ("progress", "1 of 3: echo $COLOUR > a; pwd; id -u"),
        ("progress", "2 of 3: cat a echo to stderr >&2"),
        ("progress", "3 of 3: echo hi > /dev/stdout"),
        ("done", "3 commands"),
    ]
    assert bench.commands.note is None


async def test_they_are_not_run_twice_by_themselves(bench: Bench) -> None:
    commands = wanted("echo once >> count")
    await bench.commands.run_once(commands)
    await bench.commands.run_once(commands)
    await bench.anew().run_once(commands)
    assert (bench.workspace / "count").read_text() == "once\n"
    await bench.commands.run(commands)
    assert (bench.workspace / "count").read_text() == "once\nonce\n"
    bench.commands.forget()  # a new workspace
    await bench.commands.run_once(commands)
    assert (bench.workspace / "count").read_text() == "once\n" * 3


async def test_one_that_fails_ends_them_and_the_agent_is_told_once(bench: Bench) -> None:
    await bench.commands.run_once(wanted("echo '```' no such thing; exit 7", "touch later"))
    assert not (bench.workspace / "later").exists()
    (update,) = bench.updates
    assert (update.status, update.exit_code) == ("failed", 7)
    (problem,) = [event for event in bench.told if isinstance(event, Problem)]
    assert problem.code == "set_up_failed"
    assert "It ended with exit code 7." in problem.message
    assert bench.stages[-1][0] == "failed"
    note = bench.commands.note
    assert note is not None
    assert "exit code 7" in note
    assert "````\n``` no such thing\n````" in note
    assert bench.anew().note == note
    bench.commands.told()
    assert bench.anew().note is None


async def test_a_run_that_goes_well_has_nothing_to_tell_of_the_one_before(bench: Bench) -> None:
    await bench.commands.run_once(wanted("test -e there"))
    assert bench.commands.note
    (bench.workspace / "there").touch()
    await bench.commands.run(wanted("test -e there"))
    assert bench.commands.note is None


async def test_a_retry_of_the_set_up_runs_what_failed_and_not_what_was_done(bench: Bench) -> None:
    commands = wanted("echo once >> count", "test -e there")
    await bench.commands.run_once(commands)
    bench.commands.forget_failure()
    (bench.workspace / "there").touch()
    await bench.commands.run_once(commands)
    assert (bench.workspace / "count").read_text() == "once\nonce\n"
    bench.commands.forget_failure()
    await bench.commands.run_once(commands)
    assert (bench.workspace / "count").read_text() == "once\nonce\n"


async def test_one_that_takes_too_long_is_ended_with_all_that_it_started(bench: Bench) -> None:
    await bench.commands.run_once(wanted("sleep 600 & echo $! > pid; wait", seconds=0.5))
    (update,) = bench.updates
    assert update.error == "It was ended: set-up commands may take 0.5 s together."
    assert not alive(int((bench.workspace / "pid").read_text()))


async def test_a_person_stops_them(bench: Bench) -> None:
    bench.commands.stop()  # none runs: nothing happens
    slow = wanted("sleep 600 & echo $! > pid; echo begun; wait", "touch later")
    running = asyncio.create_task(bench.commands.run_once(slow))
    await bench.until(ToolOutputChunk)
    bench.commands.stop()
    await running
    (update,) = bench.updates
    assert (update.status, update.output, update.error) == (
        "failed",
        "begun\n",
        "Somebody stopped it.",
    )
    assert not alive(int((bench.workspace / "pid").read_text()))
    assert not (bench.workspace / "later").exists()
    assert bench.stages[-1][0] == "failed"
    # Nothing is wrong: somebody wanted it so.
    assert [each.code for each in bench.told if isinstance(each, Notice)] == ["set_up_stopped"]
    assert not any(isinstance(each, Problem) for each in bench.told)
    assert bench.commands.note is not None
    assert "Somebody stopped it." in bench.commands.note
    bench.told.clear()
    await bench.commands.run_once(slow)
    assert bench.told == [], "they ran again by themselves"
    bench.commands.want()
    await bench.commands.run(wanted("touch later"))
    assert bench.updates[0].status == "completed"
    assert bench.commands.note is None


async def test_what_it_leaves_running_is_not_waited_for(bench: Bench) -> None:
    await bench.commands.run_once(wanted("sleep 600 & echo $! > pid", seconds=60))
    assert bench.updates[0].status == "completed"
    pid = int((bench.workspace / "pid").read_text())
    assert alive(pid)
    os.kill(pid, 9)


async def test_long_output_has_its_head_and_tail_and_is_kept_whole(bench: Bench) -> None:
    bench.commands.set_limits(2000, 1024 * 1024)
    await bench.commands.run_once(wanted("seq 1 20000"))
    (update,) = bench.updates
    assert update.output is not None
    assert update.output.startswith("1\n2\n")
    assert update.output.endswith("\n20000\n")
    assert len(update.output) < 2100
    assert update.output_truncated
    assert update.whole_output is not None
    whole = "".join(f"{n}\n" for n in range(1, 20001)).encode()
    assert bench.kept == [whole]
    said = "".join(event.text for event in bench.told if isinstance(event, ToolOutputChunk))
    assert whole.decode().startswith(said)
    assert len(said) <= 2000


async def test_a_runner_that_was_killed_says_so_and_runs_nothing_again(bench: Bench) -> None:
    running = asyncio.create_task(bench.commands.run_once(wanted("echo begun; sleep 600")))
    await bench.until(ToolOutputChunk)
    again = bench.anew()
    again.recover()
    (update,) = bench.updates
    assert (update.status, update.error) == ("failed", "The sandbox was stopped while it ran.")
    assert again.note is not None
    assert "sleep 600" in again.note
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    bench.told.clear()
    anew = bench.anew()
    anew.recover()
    await anew.run_once(wanted("echo begun; sleep 600"))
    assert bench.told == []


async def test_what_can_not_be_run_is_told(bench: Bench) -> None:
    bench.commands = SetUpCommands(
        bench.tell,
        Drawer(bench.spool, "setup"),
        replace(bench.account, shell="/no/such/shell"),
        bench.workspace,
        bench.keep,
    )
    await bench.commands.run_once(wanted("true"))
    assert bench.updates[0].error == "It can't be run: No such file or directory."
