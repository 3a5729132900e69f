"""The demo model's scripts, played to their end by a small agent with real tools."""

import asyncio
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bunkhouse.blobs.kinds import mime_of
from bunkhouse.broker.demo import SCRIPTS, DemoModel
from bunkhouse.broker.demo import scripts as scripts_module
from bunkhouse.broker.demo.directive import directive_in
from bunkhouse.broker.demo.reply import INTRODUCTION

from .agent import OPENCODE, Agent, tool

ROOT = Path(__file__).parents[5]


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    for command in (
        ("init", "-q", "-b", "main"),
        ("config", "user.email", "a@b.c"),
        ("config", "user.name", "A"),
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    (tmp_path / "README.md").write_text("# A project\n\nIt does things.\n")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").write_text("print('hello')\n")
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    subprocess.run(["git", "commit", "-qm", "Begin"], cwd=tmp_path, check=True)
    return Agent(tmp_path, DemoModel(0))


async def test_real_work_in_a_repository(agent: Agent) -> None:
    said = await agent.prompt("Please improve this project.")
    names = [name for name, _ in agent.ran]
    assert names == [
        "todowrite", "bash", "glob", "read", "todowrite", "write", "edit", "todowrite", "bash",
        "todowrite",
    ]  # fmt: skip
    note = (agent.folder / "BUNKHOUSE_DEMO.md").read_text()
    assert "Tracked files: 2" in note
    assert re.search(r"- `[0-9a-f]+ Begin`", note)
    assert "- `README.md`" in note and "- `src/`" in note
    assert "Checked: yes" in note and "not yet" not in note
    first = agent.messages[1]["content"]
    assert first.startswith(INTRODUCTION) and "no intelligence" in first
    assert "```text\n?? BUNKHOUSE_DEMO.md" in said
    assert any(agent.thoughts)
    last_plan = [arguments["todos"] for name, arguments in agent.ran if name == "todowrite"][-1]
    assert {todo["status"] for todo in last_plan} == {"completed"}


async def test_a_second_turn_writes_a_file_of_its_own(agent: Agent) -> None:
    await agent.prompt("Once.")
    said = await agent.prompt("Again.")
    assert "`BUNKHOUSE_DEMO_2.md`" in said
    assert (agent.folder / "BUNKHOUSE_DEMO_2.md").exists()


async def test_a_folder_that_is_no_repository(
    agent: Agent, tmp_path_factory: pytest.TempPathFactory
) -> None:
    agent.folder = tmp_path_factory.mktemp("empty")
    assert "What I did" in await agent.prompt("Begin something.")
    assert "(none)" in (agent.folder / "BUNKHOUSE_DEMO.md").read_text()


async def test_it_recalls_what_the_conversation_has(agent: Agent) -> None:
    assert "the first prompt that I know of" in await agent.prompt("[demo:recall]")
    await agent.prompt("[demo:hello] and mind the roses")
    said = await agent.prompt("[demo:recall]")
    assert "2 prompts before this one" in said
    assert "[demo:recall]" in said
    agent.messages = agent.messages[2:]
    assert "mind the roses" in await agent.prompt("[demo:recall]")


async def test_other_tools_and_none(agent: Agent) -> None:
    agent.tools = [tool("execute", "cmd", "risk", cmd="string", risk="integer")]
    assert "What I did" in await agent.prompt("Look around.")
    assert [name for name, _ in agent.ran] == ["execute", "execute"]
    agent.tools, agent.messages = [tool("weather", "city", city="string")], []
    assert "no tool that I know" in await agent.prompt("Look around.")
    agent.messages = []
    assert "no tool for that script" in await agent.prompt("[demo:tools]")


async def test_steps_in_one_message_are_told_apart_by_their_calls(agent: Agent) -> None:
    # Some agents put all calls of a turn into one message.
    await agent.prompt("[demo:tools n=3]")
    prompt, *rest = agent.messages[:-1]
    merged = {
        "role": "assistant",
        "content": "",
        "tool_calls": [call for message in rest for call in message.get("tool_calls", [])],
    }
    results = [message for message in rest if message["role"] == "tool"]
    agent.messages = [prompt, merged, *results]
    _, events, _ = await agent.ask()
    text = "".join(c["delta"].get("content") or "" for e in events for c in e["choices"])
    assert text == "All 3 commands ran."


async def test_long_texts_are_numbered(agent: Agent) -> None:
    said = await agent.prompt("[demo:long n=450 speed=0]")
    assert said.startswith(INTRODUCTION)
    assert [int(n) for n in re.findall(r"word-(\d+)", said)] == list(range(1, 451))


async def test_thoughts(agent: Agent) -> None:
    await agent.prompt("[demo:think n=30]")
    assert [int(n) for n in re.findall(r"thought-(\d+)", agent.thoughts[-1])] == list(range(1, 31))


@pytest.mark.parametrize(("given", "steps"), [("n=4", 4), ("n=7 parallel=3", 3)])
async def test_many_tools(agent: Agent, given: str, steps: int) -> None:
    await agent.prompt(f"[demo:tools {given}]")
    count = int(given[2])
    commands = [arguments["command"] for _, arguments in agent.ran]
    assert commands == [f"echo tool-call-{n}" for n in range(1, count + 1)]
    assert len([m for m in agent.messages if m.get("tool_calls")]) == steps


@pytest.mark.parametrize(
    ("written", "run"),
    [
        ("""cmd='echo "a b"'""", 'echo "a b"'),
        (r'''cmd="echo \"a b\" ] 'c'"''', """echo "a b" ] 'c'"""),
        (r'cmd="printf \"a\\nb\" | wc -l"', r'printf "a\nb" | wc -l'),
        ("cmd=pwd", "pwd"),
        ('cmd="echo one\necho two"', "echo one\necho two"),
        (r'cmd="echo $HOME \$HOME"', r"echo $HOME \$HOME"),
    ],
)
async def test_a_command_of_the_prompt(agent: Agent, written: str, run: str) -> None:
    said = await agent.prompt(f"please [demo:bash {written}] now")
    ((name, arguments),) = agent.ran
    assert (name, arguments["command"]) == ("bash", run)
    assert said.startswith("It printed:\n\n```text\n")


async def test_files(agent: Agent) -> None:
    path = agent.folder / "new.txt"
    await agent.prompt(rf'[demo:write path={path} text="one\ntwo"]')
    assert path.read_text() == "one\ntwo"
    assert "two" in await agent.prompt(f"[demo:read path={path}]")


async def test_a_slow_and_a_big_command_a_failure_and_a_question(agent: Agent) -> None:
    await agent.prompt("[demo:slow seconds=1]")
    assert agent.ran[-1][1]["timeout"] == 61_000
    assert "heartbeat-1" in agent.messages[-2]["content"]
    assert "3000 lines" in await agent.prompt("[demo:big lines=3000]")
    said = await agent.prompt("[demo:fail]")
    assert "exit code 3" in said and "No such file" in said
    assert "answers to 2: Red" in await agent.prompt("[demo:question n=2]")
    assert len(agent.ran[-1][1]["questions"]) == 2
    await agent.prompt("[demo:permission]")
    assert (agent.folder / "demo-permission.txt").exists()


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_errors_at_first(agent: Agent, status: int) -> None:
    prompt = f"[demo:error status={status} times=2]"
    assert "attempt 3" in await agent.prompt(prompt)
    assert agent.statuses == [status, status, 200]
    # The same prompt fails anew in the next turn, and in another session.
    await agent.prompt(prompt)
    assert agent.statuses[3:] == [status, status, 200]
    other = Agent(agent.folder, agent.model, conversation="s_2")
    await other.prompt(prompt)
    assert other.statuses == [status, status, 200]


async def test_an_error_that_stays_says_when_to_come_back(agent: Agent) -> None:
    body = {"messages": [{"role": "user", "content": "[demo:error times=always]"}]}
    for _ in range(5):
        answer = agent.model.answer("POST", "/chat/completions", json.dumps(body).encode())
        assert (answer.status, answer.headers["retry-after"]) == (429, "1")


async def test_a_break(agent: Agent) -> None:
    agent.messages = [{"role": "user", "content": "[demo:breakoff n=7]"}]
    _, events, whole = await agent.ask()
    text = "".join(c["delta"].get("content") or "" for e in events for c in e["choices"])
    assert not whole
    assert text.endswith("word-7")
    _, _, whole = await agent.ask()
    assert whole


async def test_what_agents_want_besides_work_is_answered_at_once(agent: Agent) -> None:
    agent.tools = []
    agent.messages = [
        {"role": "system", "content": "You are a title generator. You output ONLY a title."},
        {"role": "user", "content": "Generate a title for this conversation:\n"},
        {"role": "user", "content": "[demo:hang]"},
    ]
    _, events, _ = await agent.ask()
    assert events[1]["choices"][0]["delta"]["content"].startswith("Demo:")
    agent.messages = [
        {"role": "user", "content": "[demo:error]"},
        {"role": "user", "content": "Summarize our conversation so that we can go on."},
    ]
    status, _, _ = await agent.ask()
    assert status == 200


HUB = [
    tool("bunkhouse_ask_person", "question", question="string", choices="array"),
    tool("bunkhouse_post_screenshot", path="string", png="string", caption="string"),
    tool("bunkhouse_start_session", "prompt", prompt="string", title="string"),
    tool("bunkhouse_read_session", "session_id", session_id="string", wait_seconds="integer"),
    tool("bunkhouse_open_pull_request", title="string", body="string", draft="boolean"),
    tool("bunkhouse_pull_request_status"),
    tool("bunkhouse_end_session"),
]


async def test_the_hubs_own_tools(agent: Agent) -> None:
    agent.tools += HUB
    agent.answers = {"bunkhouse_start_session": "Session abc was started: A part of it"}
    said = await agent.prompt("[demo:ask question='Which?' choices='Oak,Pine']")
    assert agent.ran == [
        ("bunkhouse_ask_person", {"question": "Which?", "choices": ["Oak", "Pine"]})
    ]
    assert "I was told" in said
    agent.ran.clear()
    await agent.prompt("[demo:split prompt='[demo:write path=a]' title=A wait=5]")
    assert agent.ran == [
        ("bunkhouse_start_session", {"prompt": "[demo:write path=a]", "title": "A"}),
        ("bunkhouse_read_session", {"session_id": "abc", "wait_seconds": 5}),
    ]
    agent.ran.clear()
    await agent.prompt("[demo:screenshot path=x.png]")
    await agent.prompt("[demo:pull title=T body=B draft=yes]")
    await agent.prompt("[demo:finish]")
    assert agent.ran == [
        ("bunkhouse_post_screenshot", {"path": "x.png", "caption": "Some colours"}),
        ("bunkhouse_open_pull_request", {"draft": True, "title": "T", "body": "B"}),
        ("bunkhouse_pull_request_status", {}),
        ("bunkhouse_end_session", {}),
    ]


async def test_the_picture_that_it_draws_is_one(agent: Agent) -> None:
    agent.tools += HUB
    await agent.prompt("[demo:screenshot]")
    drawn, posted = agent.ran
    assert (drawn[0], posted[0]) == ("bash", "bunkhouse_post_screenshot")
    data = await asyncio.to_thread(Path(posted[1]["path"]).read_bytes)
    assert mime_of(data) == "image/png" and data[16:24] == bytes([0, 0, 1, 64, 0, 0, 0, 180])


async def test_an_unknown_script_and_the_rest_of_them(agent: Agent) -> None:
    assert "I have no script `dance`" in await agent.prompt("[demo:dance]")
    for name in set(SCRIPTS) - {"hang", "slow", "error", "breakoff"}:
        agent.messages = []
        await agent.prompt(f"[demo:{name}]")


def test_every_script_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "demo-model.md").read_text()
    table = scripts_module.__doc__ or ""
    for name, script in SCRIPTS.items():
        row = f"| `{name}` | {script.parameters or 'none'} | {script.description} |"
        assert row in page
        assert re.search(
            rf"^{name} +{re.escape(script.parameters or 'none')} +{re.escape(script.description)}$",
            table,
            re.MULTILINE,
        ), name


def test_what_is_no_directive() -> None:
    for text in ("", "[demo]", "[demo:]", "[demo:X]", '[demo:bash cmd="open]', "demo:hello"):
        assert directive_in(text) is None
    assert len(OPENCODE) == 8


PAGE = """### Page
- Page Title: Shed
### Snapshot
```yaml
- generic [ref=e1]:
  - heading "Sign in to the shed" [ref=e2]
  - button "Sign in" [ref=e5] [cursor=pointer]
```"""


class Browsing(Agent):
    """An agent with a browser in which there is one page, and what a click leads to."""

    def _carry_out(self, name: str, arguments: dict[str, Any]) -> str:
        if name != "browser_snapshot":
            return f"{name} done"
        clicked = any(ran == "browser_click" for ran, _ in self.ran)
        return '- heading "The shed" [ref=e7]' if clicked else PAGE


BROWSER = [
    tool("browser_navigate", "url", url="string"),
    tool("browser_snapshot"),
    tool("browser_take_screenshot", type="string"),
    tool("browser_click", "target", element="string", target="string"),
]


async def test_the_browser_is_used_and_the_named_element_clicked(tmp_path: Path) -> None:
    agent = Browsing(tmp_path, DemoModel(0), tools=BROWSER)
    said = await agent.prompt('[demo:browser url=http://localhost:5173 click="sign in"]')
    assert agent.ran == [
        ("browser_navigate", {"url": "http://localhost:5173"}),
        ("browser_snapshot", {}),
        ("browser_take_screenshot", {}),
        ("browser_click", {"element": "sign in", "target": "e5"}),
        ("browser_snapshot", {}),
        ("browser_take_screenshot", {}),
    ]
    assert 'heading "The shed"' in said
    agent.ran.clear()
    said = await agent.prompt("[demo:browser url=about:blank]")
    assert [name for name, _ in agent.ran][-1] == "browser_take_screenshot"
    assert 'heading "Sign in to the shed"' in said
    assert "### Page" not in said
    said = await agent.prompt("[demo:browser url=about:blank click=Nothing]")
    assert said.startswith("The page has nothing that says `Nothing`.")


async def test_without_a_browser_the_script_says_so(agent: Agent) -> None:
    said = await agent.prompt("[demo:browser url=about:blank]")
    assert "offers no tool" in said and agent.ran == []
