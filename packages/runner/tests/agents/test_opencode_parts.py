"""The small rooms of the bridge: texts laid over each other, titles, diffs, sentences, settings."""

import json
from pathlib import Path, PurePath
from typing import Any

import pytest

from bunkhouse_protocol.events import Event
from bunkhouse_protocol.link import Provider, SessionSpec
from bunkhouse_runner.agents.opencode import failures, tools
from bunkhouse_runner.agents.opencode.config import Configuration, catalog_model
from bunkhouse_runner.agents.opencode.server import find_binary
from bunkhouse_runner.agents.opencode.texts import Texts
from bunkhouse_runner.processes import Account

from .reader import Reader

WORKSPACE = PurePath("/workspace")


def begin(texts: Texts, part: str, *pieces: str) -> list[Event]:
    events = texts.whole(part, "text", "", ended=False)
    for piece in pieces:
        events += texts.delta(part, piece)
    return events


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (["The quick ", "brown fox jumps."], ["The quick brown fox jumps."]),
        (["The quick brown", " fox"], ["The quick brown fox"]),
        (["The quick"], ["The quick"]),
        (["A slow fox."], ["A slow fox."]),
        ([], []),
    ],
    ids=["longer", "equal", "shorter", "other", "none"],
)
def test_what_is_said_again_is_laid_over_what_was_shown(second: list[str], said: list[str]) -> None:
    texts, reader = Texts(), Reader()
    reader.events += begin(texts, "p1", "The quick ", "brown fox")
    texts.attempt_broke()
    if second:
        reader.events += begin(texts, "p2", *second)
        reader.events += texts.whole("p2", "text", "".join(second), ended=True)
    reader.events += texts.step_finished(complete=True)
    assert reader.said() == said


def test_a_second_break_in_the_middle_of_the_repetition() -> None:
    texts, reader = Texts(), Reader()
    reader.events += begin(texts, "p1", "One two three")
    texts.attempt_broke()
    reader.events += begin(texts, "p2", "One ")
    texts.attempt_broke()
    reader.events += begin(texts, "p3", "One two three four")
    reader.events += texts.whole("p3", "text", "One two three four", ended=True)
    reader.events += texts.step_finished(complete=True)
    assert reader.said() == ["One two three four"]


def test_a_text_that_is_rewritten_at_its_end_is_shown_as_it_is_stored() -> None:
    texts, reader = Texts(), Reader()
    reader.events += begin(texts, "p1", "secret 123")
    reader.events += texts.whole("p1", "text", "secret ***", ended=True)
    assert reader.said() == ["secret ***"]
    reader.events += begin(texts, "p2", "Trimmed. ")
    reader.events += texts.whole("p2", "text", "Trimmed.", ended=True)
    assert reader.said() == ["secret ***", "Trimmed. "]


@pytest.mark.parametrize(
    ("tool", "arguments", "title"),
    [
        ("bash", {"command": "make\nmake test", "description": "d"}, "make …"),
        ("read", {"filePath": "/workspace/src/a.py"}, "src/a.py"),
        ("read", {"filePath": "/etc/hosts"}, "/etc/hosts"),
        ("grep", {"pattern": "TODO", "include": "*.py"}, "TODO in *.py"),
        ("glob", {"pattern": "**/*.md", "path": "/workspace/docs"}, "**/*.md in docs"),
        ("list", {"path": "/workspace"}, "."),
        ("webfetch", {"url": "https://example.org/"}, "https://example.org/"),
        ("task", {"description": "Look", "prompt": "p", "subagent_type": "x"}, "Look"),
        ("apply_patch", {"patchText": "*** Update File: a.py\n*** Add File: b.py"}, "a.py, b.py"),
        ("question", {"questions": [{"question": "Which?"}]}, "Which?"),
        ("something_else", {"x": 1}, "its own title"),
        ("bash", {}, ""),
    ],
)
def test_titles_are_the_object_of_the_verb(
    tool: str, arguments: dict[str, Any], title: str
) -> None:
    assert tools.title_of(tool, arguments, WORKSPACE, "its own title") == title


def test_diffs_name_files_as_git_does() -> None:
    raw = (
        "Index: /workspace/a.py\n" + "=" * 67 + "\n--- /workspace/a.py\n+++ /workspace/a.py\n"
        "@@ -1 +1 @@\n-a\n+b\n"
    )
    assert tools.tidy_diff(raw, WORKSPACE) == "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a\n+b\n"
    removed = "--- /workspace/q.sql\n+++ /workspace/q.sql\n@@ -1 +0,0 @@\n--- a comment\n"
    assert tools.tidy_diff(removed, WORKSPACE) == (
        "--- a/q.sql\n+++ b/q.sql\n@@ -1 +0,0 @@\n--- a comment\n"
    )
    assert tools.written_diff("a", "x\n", "x\n") is None


def test_long_values_are_shortened() -> None:
    value = tools.shortened({"content": "x" * 100_000, "n": 1, "list": ["y" * 20_000]})
    assert len(value["content"]) < 17_000 and value["n"] == 1 and len(value["list"][0]) < 17_000


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"name": "APIError", "data": {"message": "m", "statusCode": 401}}, "model_unauthorized"),
        ({"name": "APIError", "data": {"message": "m", "statusCode": 429}}, "model_rate_limited"),
        ({"name": "APIError", "data": {"message": "m", "statusCode": 503}}, "model_failed"),
        ({"name": "APIError", "data": {"message": "m", "statusCode": 422}}, "model_refused"),
        (
            {"name": "APIError", "data": {"message": "Cannot connect to API: x"}},
            "model_unreachable",
        ),
        ({"name": "UnknownError", "data": {"message": "socket hang up"}}, "model_unreachable"),
        ({"name": "UnknownError", "data": {"message": "boom\n at x"}}, "agent_failed"),
        ({"name": "ContextOverflowError", "data": {"message": "m"}}, "context_overflow"),
        ({"name": "MessageAbortedError", "data": {"message": "Aborted"}}, "agent_stopped"),
        ({}, "agent_failed"),
    ],
)
def test_every_error_is_one_sentence(error: dict[str, Any], code: str) -> None:
    failure = failures.of_error(error)
    assert failure.code == code
    assert "\n" not in failure.message and failure.message.endswith((".", "…"))


def test_settings_hold_no_token_and_name_each_door(tmp_path: Path) -> None:
    spec = SessionSpec(
        session_id="s",
        repository=None,
        model="demo/demo",
        providers=[
            Provider(id="demo", dialect="openai"),
            Provider(id="gemini", dialect="gemini", models=["g1"]),
        ],
        author_name="A",
        author_email="a@example.org",
        permissions={"bash": "ask"},
    )
    configuration = Configuration(
        account=Account.current(tmp_path),
        doors_url="http://127.0.0.1:3128/sandbox",
        token="very-secret",
        spec=spec,
        password="p",
    )
    configuration.write()
    environment = configuration.environment()
    assert "very-secret" not in json.dumps(environment)
    content = json.loads(environment["OPENCODE_CONFIG_CONTENT"])
    assert content["provider"]["demo"]["options"]["baseURL"] == (
        "http://127.0.0.1:3128/sandbox/models/demo/v1"
    )
    assert content["provider"]["google"]["options"]["baseURL"] == (
        "http://127.0.0.1:3128/sandbox/models/gemini/gemini/v1beta"
    )
    assert content["permission"]["bash"] == "ask"
    files = {path.name: path for path in configuration.folder.iterdir()}
    assert files["token"].read_text() == "very-secret"
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o600}
    known = json.loads(files["opencode.json"].read_text())["provider"]
    assert set(known["demo"]["models"]) == {"demo"}
    assert configuration.declare("gemini/g2") and not configuration.declare("gemini/g1")
    assert catalog_model("gemini/models/x") == ("google", "models/x")


def test_the_native_program_is_found_beside_npms_launcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = tmp_path / "lib/node_modules/opencode-ai/bin/opencode"
    native = tmp_path / "lib/node_modules/opencode-ai/node_modules/opencode-linux-x64/bin/opencode"
    for program in (launcher, native):
        program.parent.mkdir(parents=True)
        program.write_text("")
        program.chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/opencode").symlink_to(launcher)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_binary() == str(native)
    native.unlink()
    assert find_binary() == str(tmp_path / "bin/opencode")
    assert find_binary("absent") == "absent"
