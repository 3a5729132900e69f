"""An agent that hangs while it is started: again, and told if that does not help."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from bunkhouse_protocol.events import Event, Problem, Stage
from bunkhouse_protocol.link import SessionSpec
from bunkhouse_runner.agents.base import Agent
from bunkhouse_runner.setup import Setup
from bunkhouse_runner.workspace import Workspace

from .fake_hub import session


class Made:
    """A workspace that is there already."""

    ready = True
    path = Path("/workspace")

    async def prepare(self, spec: SessionSpec, report: object) -> None:
        return


class Hanging:
    """Hangs in these calls, each time that they are named."""

    def __init__(self, *hangs: str) -> None:
        self.hangs = list(hangs)
        self.calls: list[str] = []

    async def _do(self, call: str) -> None:
        self.calls.append(call)
        if self.hangs[:1] == [call]:
            del self.hangs[0]
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.calls.append(f"{call} given up")
                raise

    async def start(self, spec: SessionSpec, workspace: Path) -> None:
        await self._do("start")

    async def begin(self) -> None:
        await self._do("begin")

    async def close(self) -> None:
        await self._do("close")


async def set_up(agent: Hanging) -> tuple[bool, list[Event]]:
    told: list[Event] = []
    given = cast("Any", Made()), cast("Any", agent)
    setup = Setup(
        cast("Workspace", given[0]), cast("Agent", given[1]), told.append, agent_seconds=0
    )
    return await setup.run(session()), told


@pytest.mark.parametrize("call", ["start", "begin"])
async def test_what_hangs_is_started_again(call: str) -> None:
    agent = Hanging(call)
    ok, told = await set_up(agent)
    assert ok
    before = agent.calls.index(f"{call} given up")
    assert agent.calls[before + 1 :] == ["close", "start", "begin"]
    assert [(e.status, e.detail) for e in told if isinstance(e, Stage)] == [
        ("started", None),
        ("progress", "The agent hangs; it is started again."),
        ("done", None),
    ]


async def test_what_hangs_twice_is_told() -> None:
    ok, told = await set_up(Hanging("start", "start"))
    assert not ok
    (problem,) = [event for event in told if isinstance(event, Problem)]
    assert problem.code == "agent_failed"
    assert "twice" in problem.message
    assert [e.status for e in told if isinstance(e, Stage)] == ["started", "progress", "failed"]
