"""A repository's own settings: shown to the hub, and what it decides is done once."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bunkhouse_protocol.configuring import CONFIG, ConfigFile, SetUp
from bunkhouse_protocol.events import Event, Problem, Stage, ToolCallUpdate, TurnEnded
from bunkhouse_protocol.link import PromptCommand, StopCommand
from bunkhouse_runner import git as own_git
from bunkhouse_runner import provisioning
from bunkhouse_runner.processes import Account

from .conftest import Doors, Git
from .fake_agent import FakeAgent
from .fake_hub import TOKEN
from .git_door import GitDoor
from .house import House, spec

LIMIT = 1000


@pytest.fixture
def house(room: Path, door: GitDoor, doors: Doors) -> House:
    return House(room, door, doors)


class Decides:
    """The hub's door for settings."""

    def __init__(self, house: House, answer: SetUp) -> None:
        self.house = house
        self.answer = answer
        self.asked: list[Any] = []
        self.failures: list[Response] = []
        house.hub.spec = spec().model_copy(update={"config_bytes": LIMIT})
        house.more.append(Route("/sandbox/settings", self.take, methods=["POST"]))

    async def take(self, request: Request) -> Response:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        self.asked.append(await request.json())
        if self.failures:
            return self.failures.pop(0)
        update = {"set_up": self.answer}
        self.house.hub.spec = self.house.hub.spec.model_copy(update=update)
        return JSONResponse(self.answer.model_dump())


def stages(house: House, name: str) -> list[str]:
    return [e.status for e in house.hub.of("stage") if isinstance(e, Stage) and e.name == name]


def outputs(house: House) -> list[str | None]:
    found = house.hub.of("tool_call_update")
    return [event.output for event in found if isinstance(event, ToolCallUpdate)]


def ended(house: House) -> list[TurnEnded]:
    return [event for event in house.hub.of("turn_ended") if isinstance(event, TurnEnded)]


def is_ready(house: House) -> bool:
    return bool(house.hub.ready)


async def asked(house: House, method: str, path: str) -> httpx2.Response:
    """Ask the sandbox's gateway, as the hub does."""
    transport = httpx2.AsyncHTTPTransport(uds=str(house.room / "run" / "gateway.sock"))
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        return await client.request(method, path)


async def test_what_the_hub_decides_is_done_before_prompts_and_once(
    house: House, origin: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    (origin / ".bunkhouse").mkdir()
    (origin / CONFIG).write_text("model = 'x'\n")
    git("add", ".", cwd=origin)
    git("commit", "-q", "-m", "Settings", cwd=origin)
    environment = {"COLOUR": "blue"}
    commands = ["echo $COLOUR; pwd; echo x >> count"]
    decides = Decides(house, SetUp(commands=commands, environment=environment))
    seen: list[dict[str, str]] = []

    def prepare(agent: FakeAgent) -> None:
        start = agent.start

        async def started(*given: Any) -> None:
            seen.append(dict(agent.context.account.variables))
            await start(*given)

        monkeypatch.setattr(agent, "start", started)

    house.prepare = prepare
    workspace = house.room / "workspace"
    async with house.serve():
        async with house.running():
            prompt = PromptCommand(turn_id="t1", text="say hello", model="demo/demo")
            await house.hub.command(prompt)
            await house.hub.until(lambda: bool(house.hub.of("turn_ended")))
            ran = await asked(house, "GET", "/health")
            assert ran.status_code == 200
        assert decides.asked == [{"text": "model = 'x'\n", "trouble": None}]
        assert outputs(house) == [f"blue\n{workspace}\n"]
        assert stages(house, "commands") == ["started", "progress", "done"]
        assert (seen[0], seen[-1]) == ({}, environment)  # started early, and again with it
        assert "prompt say hello" in house.agent.calls
        house.hub.ready.clear()
        seen.clear()
        async with house.running():  # as it wakes
            await house.hub.until(lambda: is_ready(house))
        assert len(decides.asked) == 1
        assert seen == [environment]
        assert (workspace / "count").read_text() == "x\n"
    assert not house.hub.complaints


async def test_a_set_up_that_fails_leaves_the_session_usable_and_tells_the_agent(
    house: House,
) -> None:
    Decides(house, SetUp(commands=["echo no luck; exit 3", "touch never"]))
    async with house.serve(), house.running():
        await house.hub.until(lambda: is_ready(house))
        assert house.hub.ready[-1].ok
        assert [e.code for e in house.hub.of("error") if isinstance(e, Problem)] == [
            "set_up_failed"
        ]
        for number in (1, 2):
            prompt = PromptCommand(turn_id=f"t{number}", text="say hello", model="demo/demo")
            await house.hub.command(prompt)
            await house.hub.until(lambda n=number: len(house.hub.of("turn_ended")) == n)
    first, second = [call for call in house.agent.calls if call.startswith("prompt")]
    assert first.startswith("prompt say hello\n\n(A note by Bunkhouse")
    assert "exit code 3" in first
    assert "no luck" in first
    assert second == "prompt say hello"


@pytest.mark.parametrize("turn", [None, "t1"], ids=["nothing waits", "a prompt waits"])
async def test_a_set_up_that_is_stopped_leaves_the_session_usable(
    house: House, turn: str | None
) -> None:
    Decides(house, SetUp(commands=["echo begun; sleep 600"]))
    async with house.serve(), house.running():
        if turn:
            await house.hub.command(PromptCommand(turn_id=turn, text="wait", model="demo/demo"))
        await house.hub.until(lambda: bool(house.hub.of("tool_output_chunk")))
        await house.hub.command(StopCommand(turn_id=turn))
        await house.hub.until(lambda: is_ready(house))
        assert house.hub.ready[-1].ok
        assert outputs(house) == ["begun\n"]
        await house.hub.command(PromptCommand(turn_id="t2", text="say hello", model="demo/demo"))
        await house.hub.until(lambda: any(e.turn_id == "t2" for e in ended(house)))
    assert [(e.turn_id, e.outcome) for e in ended(house)] == [
        *([(turn, "stopped")] if turn else []),
        ("t2", "done"),
    ]
    (said,) = [call for call in house.agent.calls if call.startswith("prompt")]
    assert "Somebody stopped it." in said


async def test_it_runs_again_when_asked_and_not_beside_a_turn(house: House) -> None:
    Decides(house, SetUp(commands=["echo x >> count; test -e there"]))
    async with house.serve(), house.running():
        await house.hub.until(lambda: is_ready(house))
        await house.hub.command(PromptCommand(turn_id="t1", text="hang on", model="demo/demo"))
        await house.agent.prompted.wait()
        refused = await asked(house, "POST", "/setup")
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        house.agent.stopped.set()
        await house.hub.until(lambda: bool(house.hub.of("turn_ended")))
        (house.room / "workspace" / "there").touch()
        assert (await asked(house, "POST", "/setup")).status_code == 204
        await house.hub.until(lambda: stages(house, "commands")[-1] == "done")
        assert (house.room / "workspace" / "count").read_text() == "x\nx\n"


async def test_without_commands_there_is_nothing_to_run_again(house: House) -> None:
    decides = Decides(house, SetUp())
    async with house.serve(), house.running():
        await house.hub.until(lambda: is_ready(house))
        refused = await asked(house, "POST", "/setup")
        assert (refused.status_code, refused.json()["code"]) == (503, "nothing_to_set_up")
    assert decides.asked == [{"text": None, "trouble": None}]
    assert stages(house, "commands") == []


async def test_a_hub_that_restarts_is_asked_again_and_one_that_refuses_is_not(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provisioning, "FIRST_PAUSE", 0.001)
    decides = Decides(house, SetUp(commands=["echo set up"]))
    decides.failures = [JSONResponse({}, 503), JSONResponse({}, 500)]
    async with house.serve(), house.running():
        await house.hub.until(lambda: is_ready(house))
    assert len(decides.asked) == 3
    assert outputs(house) == ["set up\n"]


async def test_a_hub_that_refuses_leaves_the_session_without_settings(house: House) -> None:
    decides = Decides(house, SetUp(commands=["echo set up"]))
    decides.failures = [JSONResponse({}, 422)]
    async with house.serve(), house.running():
        await house.hub.until(lambda: is_ready(house))
    assert house.hub.ready[-1].ok
    assert outputs(house) == []
    problems: list[Event] = house.hub.of("error")
    assert [problem.code for problem in problems if isinstance(problem, Problem)] == [
        "settings_not_taken"
    ]


async def test_programs_for_people_have_the_environment_and_the_runners_own_have_not(
    house: House,
) -> None:
    Decides(house, SetUp(environment={"COLOUR": "blue"}))
    async with house.serve(), house.running():
        await house.hub.until(lambda: is_ready(house))
        account = house.agent.context.account
        assert account.environment()["COLOUR"] == "blue"
        assert "COLOUR" not in Account.current(account.home).environment()
        assert account.environment({"COLOUR": "red"})["COLOUR"] == "red"


# ── the file ─────────────────────────────────────────────────────────────────────────────────


async def read(origin: Path, commit: str = "HEAD") -> ConfigFile:
    account = Account.current(origin.parent / "home")
    return await provisioning.read(own_git.Git(origin, account), commit, LIMIT)


@pytest.fixture
def home(room: Path) -> None:
    (room / "home").mkdir(exist_ok=True)


@pytest.mark.usefixtures("home")
class TestFile:
    def commit(self, origin: Path, git: Git) -> None:
        git("add", "-A", cwd=origin)
        git("commit", "-q", "-m", "Next", cwd=origin)

    async def test_it_is_that_of_the_commit(self, origin: Path, git: Git) -> None:
        assert await read(origin) == ConfigFile()
        (origin / ".bunkhouse").mkdir()
        (origin / CONFIG).write_text("# grüße\n")
        assert await read(origin) == ConfigFile()  # not committed
        self.commit(origin, git)
        (origin / CONFIG).write_text("# another\n")
        assert await read(origin) == ConfigFile(text="# grüße\n")
        assert await read(origin, "HEAD~1") == ConfigFile()

    async def test_what_is_no_text_of_a_size_is_not_given(self, origin: Path, git: Git) -> None:
        (origin / ".bunkhouse").mkdir()
        (origin / CONFIG).write_bytes(b"x" * LIMIT)
        self.commit(origin, git)
        assert (await read(origin)).text == "x" * LIMIT
        (origin / CONFIG).write_bytes(b"x" * (LIMIT + 1))
        self.commit(origin, git)
        assert await read(origin) == ConfigFile(trouble="too_large")
        (origin / CONFIG).write_bytes(b"\xff\xfe")
        self.commit(origin, git)
        assert await read(origin) == ConfigFile(trouble="no_text")

    async def test_links_and_folders_are_no_files(self, origin: Path, git: Git) -> None:
        (origin / ".bunkhouse").mkdir()
        (origin / CONFIG).symlink_to("/etc/passwd")
        self.commit(origin, git)
        assert await read(origin) == ConfigFile(trouble="no_file")
        (origin / CONFIG).unlink()
        (origin / CONFIG).mkdir()
        (origin / CONFIG / "x").touch()
        self.commit(origin, git)
        assert await read(origin) == ConfigFile(trouble="no_file")
