"""The browser's tools: started at their first call, told in words, their pictures kept."""

import hashlib
import json
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from bunkhouse_protocol.events import Picture, ToolCall
from bunkhouse_runner import browser_tools
from bunkhouse_runner.agents.opencode import browser, pictures
from bunkhouse_runner.agents.opencode.browser import BrowserTools

from . import tiny_browser
from .bench import Bench
from .conftest import Benches
from .model_server import Call, Finish, Text

pytestmark = pytest.mark.asyncio(loop_scope="session")
DONE = (Text("Done."), Finish())
RULES = {
    "permission": {"browser_*": "deny"},
    "mcp": {"browser": {"type": "local", "command": ["false"], "enabled": False}},
}


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> BrowserTools:
    """The list, as the image's build records it."""
    recorded = tmp_path_factory.mktemp("browser") / "tools.json"
    program = (sys.executable, tiny_browser.__file__)
    record = Path(browser_tools.__file__).with_name("record.py")
    made = subprocess.run([sys.executable, str(record), *program], capture_output=True, check=True)
    recorded.write_bytes(made.stdout)
    return BrowserTools(recorded, program)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browsing(benches: Benches, tools: BrowserTools) -> AsyncGenerator[Bench]:
    async with benches.bench(browser=tools) as bench:
        # What a repository brings along changes nothing of ours.
        (bench.workspace / "opencode.json").write_text(json.dumps(RULES))
        await bench.up()
        yield bench


async def test_a_screenshot_becomes_a_picture(browsing: Bench) -> None:
    server = f"^{sys.executable} {tiny_browser.__file__}"
    await browsing.gone(server)
    result = await browsing.turn(
        [Call("browser_navigate", {"url": "http://localhost:5173/"}), Finish()],
        [Call("browser_take_screenshot", {}), Finish()],
        DONE,
    )
    assert result.outcome == "done"
    offered = [tool["function"]["name"] for tool in browsing.model.requests[0]["tools"]]
    assert {"browser_navigate", "browser_take_screenshot"} <= set(offered)
    went, took = browsing.calls()
    assert (went.status, went.title) == ("completed", "http://localhost:5173/")
    assert went.output == "At http://localhost:5173/" and went.pictures is None
    assert [call.kind for call in browsing.all(ToolCall)] == ["fetch", "other"]
    data = tiny_browser.png()
    blob = hashlib.sha256(data).hexdigest()
    assert (took.status, took.title, took.output) == ("completed", "the page", "Took it.")
    assert took.pictures is not None
    assert [Picture.model_validate(told) for told in took.pictures] == [
        Picture(
            blob=blob,
            mime="image/png",
            size=len(data),
            width=tiny_browser.WIDTH,
            height=tiny_browser.HEIGHT,
        )
    ]
    assert browsing.kept == {blob: data}
    assert browsing.running(server)


async def test_a_server_that_ends_in_a_call_is_started_again(browsing: Bench) -> None:
    result = await browsing.turn(
        [Call("browser_navigate", {"url": "about:crash"}), Finish()],
        [Call("browser_navigate", {"url": "about:blank"}), Finish()],
        DONE,
    )
    assert result.outcome == "done"
    lost, went = browsing.calls()
    assert lost.status == "failed" and "Try again" in (lost.error or "")
    assert went.status == "completed"


@pytest.mark.parametrize(
    ("tool", "arguments", "title"),
    [
        ("click", {"element": "Sign in button", "target": "e5"}, "Sign in button"),
        ("click", {"target": "e5"}, "e5"),
        ("type", {"element": "Name", "target": "e6", "text": "Ada"}, "Name"),
        ("wait_for", {"time": 2}, "2 seconds"),
        ("navigate_back", {}, "the page before"),
        ("some_new_tool", {}, "some new tool"),
    ],
)
async def test_titles_are_in_words(tool: str, arguments: dict[str, object], title: str) -> None:
    assert browser.title_of(f"browser_{tool}", arguments) == title


async def test_what_is_no_picture_is_left_out() -> None:
    kept: list[bytes] = []

    def keep(data: bytes) -> str:
        kept.append(data)
        return "x"

    attachments = [
        {"url": "data:image/png;base64,aGVsbG8="},
        {"url": "data:image/png;base64,%%%"},
        {"url": "https://example.org/x.png"},
        {},
    ]
    assert pictures.of_attachments({"attachments": attachments}, keep) == []
    assert kept == []


async def test_the_size_of_a_jpeg() -> None:
    start = b"\xff\xd8\xff\xe0\x00\x04ab" + b"\xff\xc2\x00\x11\x08\x00\x20\x01\x00\x03"
    assert pictures.size_of(start) == (256, 32)
    assert pictures.size_of(b"\xff\xd8\xff") == (None, None)
