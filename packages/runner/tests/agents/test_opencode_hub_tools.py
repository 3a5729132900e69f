"""The hub's tools in OpenCode: offered, called with the sandbox's token, told in words."""

import json
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from bunkhouse_protocol.events import ToolCall
from bunkhouse_runner.agents.opencode import hub_tools

from .bench import TOKEN, Bench
from .conftest import Benches
from .model_server import Call, Finish, Text

pytestmark = pytest.mark.asyncio(loop_scope="session")
DONE = (Text("Done."), Finish())
RULES = {
    "permission": {"bunkhouse_*": "deny"},
    "mcp": {"bunkhouse": {"type": "local", "command": ["false"], "enabled": False}},
}
"""What a repository may bring along."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def asking(benches: Benches) -> AsyncGenerator[Bench]:
    async with benches.bench() as bench:
        (bench.workspace / "opencode.json").write_text(json.dumps(RULES))
        await bench.up()
        yield bench


def offered(bench: Bench) -> list[str]:
    """The tools that the model was told of."""
    return [tool["function"]["name"] for tool in bench.model.requests[0]["tools"]]


async def test_a_call_goes_to_the_hub_with_the_sandboxs_token(asking: Bench) -> None:
    question = {"question": "Which colour?"}
    result = await asking.turn([Call("bunkhouse_ask_person", question), Finish()], DONE)
    assert result.outcome == "done"
    assert "bunkhouse_ask_person" in offered(asking)
    (call,) = asking.calls()
    assert (call.status, call.title, call.output) == (
        "completed",
        "Which colour?",
        "Ada answered: Red",
    )
    assert [told.kind for told in asking.all(ToolCall)] == ["question"]
    assert asking.model.tool_calls[-1] == {"name": "ask_person", "arguments": question}
    assert set(asking.model.tool_tokens) == {f"Bearer {TOKEN}"}


async def test_what_the_hub_refuses_is_a_call_that_failed(
    asking: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking.model, "tools_refuse", True)
    result = await asking.turn(
        [Call("bunkhouse_ask_person", {"question": "And now?"}), Finish()], DONE
    )
    assert result.outcome == "done"
    (call,) = asking.calls()
    assert (call.status, call.error) == ("failed", "No turn runs. (no_turn)")


async def test_they_are_there_again_after_they_could_not_be_reached(benches: Benches) -> None:
    async with benches.bench() as bench:
        bench.model.tools_down = True
        await bench.up()
        await bench.turn(DONE)
        assert "bunkhouse_ask_person" not in offered(bench)
        bench.model.tools_down = False
        await bench.turn(DONE)
        assert "bunkhouse_ask_person" in offered(bench)


@pytest.mark.parametrize(
    ("tool", "arguments", "title"),
    [
        ("ask_person", {"question": "Red?", "choices": ["Yes"]}, "Red?"),
        ("start_session", {"prompt": "Paint the door", "title": "Door"}, "Door"),
        ("start_session", {"prompt": "Paint the door"}, "Paint the door"),
        ("read_session", {"session_id": "abc", "wait_seconds": 5}, "abc"),
        ("open_pull_request", {}, "the work so far"),
        ("end_session", {}, "this session, after this turn"),
        ("something_new", {}, ""),
    ],
)
async def test_titles(tool: str, arguments: dict[str, object], title: str) -> None:
    assert hub_tools.title_of(f"bunkhouse_{tool}", arguments) == title
