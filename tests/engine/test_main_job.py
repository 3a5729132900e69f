"""The main job: a prompt, a real repository, a real agent in its own container."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from ..conftest import ROOT, git
from ..hubs import Client, HubProcess, ended, happened, text_of, whole

pytestmark = pytest.mark.engine


def fingerprint(folder: Path) -> str:
    """Of every file in a folder, git's own included."""
    found = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return found.hexdigest()


@pytest.fixture(scope="module")
def long_history(place: Path) -> Path:
    """A repository with 3,000 commits and 2,000 files."""
    folder = place / "long"
    folder.mkdir()
    git(folder, "init", "-b", "main")
    commits: list[str] = []
    for n in range(3000):
        path = f"src/room{n % 40}/file{n % 2000}.txt"
        text = f"line {n}\n" * (n % 50 + 1)
        commits.append(
            f"commit refs/heads/main\ncommitter T <t@example.invalid> {1_700_000_000 + n} +0000\n"
            f"data {len(f'Commit {n}')}\nCommit {n}\n"
            f"M 100644 inline {path}\ndata {len(text)}\n{text}\n"
        )
    subprocess.run(
        ["git", "fast-import", "--quiet"], cwd=folder, input="".join(commits).encode(), check=True
    )
    git(folder, "checkout", "--force", "main")
    return folder


@pytest.fixture(scope="module")
def own(place: Path) -> Path:
    """A clone of Bunkhouse's own repository."""
    folder = place / "own"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


@pytest.mark.parametrize("which", ["own", "long_history"])
def test_the_demo_turn_really_changes_files_and_nothing_on_the_host(
    which: str, client: Client, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(which)
    before = fingerprint(folder)
    session = client.create("Look around and leave a note.", repository=str(folder))
    log = client.until(session, happened("workspace_changed"))
    whole(log)
    end = next(event for event in log if event["type"] == "turn_ended")
    assert end["outcome"] == "done", end
    assert "script" in text_of(log)[:400]
    tools = {event["tool"] for event in log if event["type"] == "tool_call"}
    assert {"bash", "write"} <= tools
    stages = {e["name"]: e["ms"] for e in log if e["type"] == "stage" and e["status"] == "done"}
    assert stages.keys() == {"container", "connect", "clone", "agent"}
    changes = client.get(f"/api/sessions/{session}/changes")
    names = [file["path"] for file in changes["files"]]
    assert names
    assert f"+++ b/{names[0]}" in changes["diff"]
    listed = client.run(session, "git status --short && git log --oneline | wc -l").stdout
    assert names[0] in listed
    assert listed.split()[-1] == git(folder, "rev-list", "--count", "HEAD").strip()
    assert fingerprint(folder) == before
    client.delete(session)


def test_the_patch_applies_to_where_the_session_began(
    client: Client, fresh: str, repository: Path, tmp_path: Path
) -> None:
    client.turn(fresh, "[demo:write path='notes/a b.md' text='first\\nsecond']")
    patch = client.get(f"/api/sessions/{fresh}/changes")["diff"]
    copy = tmp_path / "copy"
    subprocess.run(["git", "clone", "--quiet", str(repository), str(copy)], check=True)
    subprocess.run(["git", "apply"], cwd=copy, input=patch, text=True, check=True)
    assert (copy / "notes" / "a b.md").read_text().splitlines() == ["first", "second"]


def test_two_sessions_on_one_repository_do_not_see_each_other(
    client: Client, fresh: str, repository: Path
) -> None:
    other = client.create("[demo:write path=mine.txt text=other]", repository=str(repository))
    client.until(other, ended())
    client.turn(fresh, "[demo:bash cmd='ls -a /workspace; ps aux']")
    seen = client.run(fresh, "ls -a /workspace; ls /run/bunkhouse; ps aux").stdout
    assert "mine.txt" not in seen
    assert other not in seen
    assert "mine.txt" in client.run(other, "ls /workspace").stdout
    client.delete(other)


def test_a_chosen_branch_is_checked_out(client: Client, repository: Path) -> None:
    session = client.create("[demo:hello]", repository=str(repository), branch="winter")
    client.until(session, ended())
    assert client.run(session, "git branch --show-current").stdout.strip() == "winter"
    client.delete(session)


def test_a_session_without_a_repository_has_an_empty_workspace(client: Client) -> None:
    session = client.create("[demo:write path=a.txt text=hello]")
    client.until(session, happened("workspace_changed"))
    assert client.run(session, "cat a.txt").stdout.strip() == "hello"
    client.delete(session)


def test_follow_ups_are_queued_and_run_in_their_order(client: Client, fresh: str) -> None:
    first = client.post(
        f"/api/sessions/{fresh}/prompts", {"text": "[demo:long n=200 speed=200]"}, status=202
    )
    second = client.post(f"/api/sessions/{fresh}/prompts", {"text": "[demo:hello]"}, status=202)
    third = client.post(f"/api/sessions/{fresh}/prompts", {"text": "[demo:hello]"}, status=202)
    queue = [prompt["id"] for prompt in client.session(fresh)["queue"]]
    assert queue[-2:] == [second["id"], third["id"]]
    answer = client.http.delete(f"/api/sessions/{fresh}/prompts/{second['id']}")
    assert answer.status_code == 204
    log = client.until(fresh, ended(third["id"]))
    turns = [event["turn_id"] for event in log if event["type"] == "turn_started"]
    assert turns[-2:] == [first["id"], third["id"]]


def test_a_stopped_turn_ends_at_once_and_the_session_goes_on(client: Client, fresh: str) -> None:
    client.post(f"/api/sessions/{fresh}/prompts", {"text": "[demo:slow seconds=300]"})
    client.until(fresh, happened("tool_output_chunk"))
    client.post(f"/api/sessions/{fresh}/stop", status=202)
    log = client.until(fresh, ended())
    assert log[-1]["outcome"] == "stopped"
    assert log[-1]["ms"] < 60_000
    assert "sleep" not in client.run(fresh, "ps -eo args | grep -v grep | grep sleep").stdout
    assert client.turn(fresh, "[demo:hello]")[-1]["outcome"] == "done"


def test_permissions_and_questions_wait_for_a_person(client: Client, repository: Path) -> None:
    session = client.create(
        "[demo:permission cmd='touch granted']",
        repository=str(repository),
        permissions={"bash": "ask"},
    )
    log = client.until(session, happened("state_changed", state="waiting"))
    asked = next(event for event in log if event["type"] == "permission_requested")
    client.post(
        f"/api/sessions/{session}/permissions/{asked['request_id']}", {"reply": "once"}, status=202
    )
    log = client.until(session, ended())
    assert log[-1]["outcome"] == "done"
    resolved = next(event for event in log if event["type"] == "permission_resolved")
    assert (resolved["reply"], resolved["by"]) == ("once", "Admin")
    assert client.run(session, "ls").stdout.split().count("granted") == 1

    client.post(f"/api/sessions/{session}/prompts", {"text": "[demo:question]"}, status=202)
    after = log[-1]["seq"]
    log = client.until(session, happened("question_asked"), after=after)
    question = log[-1]
    label = question["questions"][0]["options"][0]["label"]
    client.post(
        f"/api/sessions/{session}/questions/{question['request_id']}",
        {"answers": [[label]]},
        status=202,
    )
    log = client.until(session, ended(), after=after)
    assert label in text_of(log)
    client.delete(session)


def test_the_command_line_runs_a_turn(hub: HubProcess, client: Client, repository: Path) -> None:
    done = hub.command("run", "--repo", str(repository), "--json", "[demo:hello]")
    assert '"turn_ended"' in done.stdout.splitlines()[-1]
    failed = hub.command("run", "--repo", str(repository), "[demo:error status=401]", check=False)
    assert failed.returncode == 1
    assert hub.command("sessions").stdout.count("demo") >= 2


def test_exec_passes_the_exit_code_and_runs_as_the_agent(client: Client, shared: str) -> None:
    assert client.run(shared, "exit 7").returncode == 7
    assert client.run(shared, "id -un; pwd").stdout.split() == ["agent", "/workspace"]
