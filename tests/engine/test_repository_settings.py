"""A repository's own settings, with a real agent in a real sandbox: set up, seen, not widened."""

import json
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from ..hubs import Client, Event, HubProcess, happened, whole
from ..repositories import with_settings

pytestmark = pytest.mark.engine

CONFIG = """
[setup]
commands = [
  "echo made in $PWD as $(id -un) with $COLOUR > made.txt",
  "seq 1 30000; curl --silent --max-time 20 https://wanted.example.net || echo refused",
]

[environment]
COLOUR = "green"

[egress]
allow = ["wanted.example.net"]
"""
FAILING = '[setup]\ncommands = ["echo $COLOUR; test -e mended"]\n[environment]\nPATH = "/"\n'
LASTING = """
[setup]
commands = ["echo x >> count; echo begun; until [ -e /tmp/go ]; do sleep 0.1; done; echo went"]
"""

OUTLASTING = """
[setup]
commands = ['''
up() {
  curl -s -o /dev/null -w '%{http_code}' -X POST http://127.0.0.1:3128/sandbox/tools \\
    -H 'Authorization: Bearer bht_wrong' | grep -q 401
}
echo x >> count; echo begun
while up; do sleep 0.1; done
until up; do sleep 0.1; done
echo went
''']
"""
"""It lasts until the sandbox has lost its hub and found the next."""


@pytest.fixture
def orchard(place: Path) -> Generator[Path]:
    folder = with_settings(place / "orchard", CONFIG)
    yield folder
    shutil.rmtree(folder)


def of(log: list[Event], kind: str, **fields: Any) -> list[Event]:
    return [e for e in log if e["type"] == kind and all(e.get(k) == v for k, v in fields.items())]


def idle(log: list[Event]) -> bool:
    return happened("state_changed", state="idle")(log)


def test_a_repository_is_set_up_as_it_says_and_reaches_no_more_than_others(
    client: Client, orchard: Path
) -> None:
    session = client.create(repository=str(orchard))
    log = client.until(session, idle)
    whole(log)
    (told,) = of(log, "repository_configured")
    assert (told["file"], told["model_source"]) == ("read", "installation")
    assert told["environment"] == [{"name": "COLOUR", "source": "file"}]
    assert told["egress_refused"] == ["wanted.example.net"]
    (asked,) = of(log, "notice", code="egress_asked")
    assert "An admin may allow it" in asked["message"]

    # Set up: in the log as tools are, long output with head and tail.
    assert of(log, "stage", name="commands")[-1]["status"] == "done"
    calls = [e["tool_call_id"] for e in of(log, "tool_call", tool="setup")]
    assert len(calls) == 2
    (update,) = of(log, "tool_call_update", tool_call_id=calls[1])
    assert update["output_left_out"] > 0
    assert update["output"].startswith("1\n2\n")
    assert update["output"].endswith("refused\n")
    refused = of(client.log(session), "egress_refused", host="wanted.example.net")
    assert refused
    made = "made in /workspace as agent with green\n"
    assert client.run(session, "cat made.txt").stdout == made

    # The environment: for the agent, for programs of people, for terminals.
    turn = client.turn(session, "[demo:bash cmd='echo colour is $COLOUR']")
    assert "colour is green" in json.dumps(turn)
    assert client.run(session, "echo $COLOUR").stdout == "green\n"
    terminal = client.post(f"/api/sessions/{session}/terminals")["id"]
    assert terminal
    seen = client.run(
        session,
        "tmux -L bunkhouse send-keys -t "
        f"{terminal} 'echo $COLOUR > seen; tmux -L bunkhouse wait-for -S done' Enter; "
        "tmux -L bunkhouse wait-for done; cat seen",
    )
    assert seen.stdout == "green\n"

    # What came from where; and an admin allows it, for this repository, at once.
    shown = client.get(f"/api/sessions/{session}/repository-settings")
    assert shown["environment"] == [{"name": "COLOUR", "value": "green", "source": "file"}]
    url, params = "/api/repository-settings", {"repository": str(orchard)}
    said = {"egress": ["wanted.example.net"], "environment": {"COLOUR": "red"}}
    assert client.http.put(url, params=params, json=said).is_success
    shown = client.get(f"/api/sessions/{session}/repository-settings")
    assert (shown["egress_refused"], shown["egress_allowed"]) == ([], ["wanted.example.net"])

    # Once only: a session that wakes is not set up again, nor is a copy of it.
    client.run(session, "rm made.txt")
    after = client.session(session)["last_seq"]
    client.post(f"/api/sessions/{session}/hibernate")
    client.until(session, happened("state_changed", state="hibernated"), after=after)
    after = client.session(session)["last_seq"]
    client.post(f"/api/sessions/{session}/wake")
    woken = client.until(session, idle, after=after)
    assert not of(woken, "stage", name="commands")
    assert client.run(session, "ls made.txt; echo $COLOUR").stdout == "green\n"
    turn = client.turn(session, "[demo:bash cmd='echo colour is still $COLOUR']")
    assert "colour is still green" in json.dumps(turn)
    fork = client.post(f"/api/sessions/{session}/fork")["id"]
    client.until(fork, idle, after=client.session(fork)["last_seq"])
    assert client.run(fork, "ls made.txt; echo $COLOUR").stdout == "green\n"
    assert not of(client.log(fork)[after:], "stage", name="commands", status="started")

    # A new one has the admin's word before the file's.
    other = client.create(repository=str(orchard))
    client.until(other, idle)
    assert client.run(other, "cat made.txt").stdout.endswith("with red\n")
    assert client.http.delete(url, params=params).is_success
    for each in (session, fork, other):
        client.delete(each)


def test_a_set_up_that_fails_leaves_a_session_to_work_in_and_is_run_again(
    client: Client, place: Path
) -> None:
    folder = with_settings(place / "wilderness", FAILING)
    session = client.create(repository=str(folder))
    log = client.until(session, idle)
    (invalid,) = of(log, "error", code="config_invalid")
    assert "`environment.PATH` can't be set" in invalid["message"]
    (failed,) = of(log, "error", code="set_up_failed")
    assert "It ended with exit code 1." in failed["message"]
    assert of(log, "stage", name="commands")[-1]["status"] == "failed"
    turn = client.turn(session, "[demo:bash cmd='touch mended']")
    assert turn[-1]["outcome"] == "done"
    after = client.session(session)["last_seq"]
    client.post(f"/api/sessions/{session}/setup", status=202)
    client.until(session, happened("stage", name="commands", status="done"), after=after)
    client.delete(session)


def test_a_set_up_that_takes_long_is_stopped_and_the_session_is_there_to_work_in(
    client: Client, place: Path
) -> None:
    folder = with_settings(place / "endless", LASTING)
    session = client.create("[demo:hello]", repository=str(folder))
    client.until(session, happened("tool_output_chunk", text="begun\n"))
    client.post(f"/api/sessions/{session}/stop")
    log = client.until(session, idle)
    assert of(log, "prompt_withdrawn")
    (update,) = of(log, "tool_call_update", status="failed")
    assert (update["output"], update["error"]) == ("begun\n", "Somebody stopped it.")
    assert client.run(session, "pgrep -f '[t]mp/go' || cat count").stdout == "x\n"
    assert client.turn(session, "[demo:hello]")[-1]["outcome"] == "done"

    # Run once more it may be stopped as well, before what waits for it.
    after = client.session(session)["last_seq"]
    client.post(f"/api/sessions/{session}/setup", status=202)
    client.until(session, happened("tool_output_chunk", text="begun\n"), after=after)
    client.post(f"/api/sessions/{session}/stop")
    client.until(session, happened("stage", name="commands", status="failed"), after=after)
    assert client.turn(session, "[demo:hello]")[-1]["outcome"] == "done"
    client.delete(session)


def test_a_hub_that_is_killed_meanwhile_finds_the_set_up_going_on(
    hub: HubProcess, place: Path
) -> None:
    folder = with_settings(place / "lasting", OUTLASTING)
    mine = HubProcess(hub.data_dir.parent / "killed-set-up", dict(hub.settings))
    mine.start()
    try:
        client = Client(mine)
        session = client.create("[demo:hello]", repository=str(folder))
        seen = client.until(session, happened("tool_output_chunk", text="begun\n"))
        mine.kill()
        mine.start()
        client = Client(mine)
        rest = client.until(session, happened("turn_ended"), after=seen[-1]["seq"])
        log = [*seen, *rest]
        whole(log)
        assert log[-1]["outcome"] == "done"
        (update,) = of(log, "tool_call_update", status="completed", output="begun\nwent\n")
        assert update["exit_code"] == 0
        assert client.run(session, "cat count").stdout == "x\n"
    finally:
        mine.stop()


def test_a_runner_that_is_killed_meanwhile_says_so_and_runs_nothing_again(
    client: Client, place: Path
) -> None:
    folder = with_settings(place / "cut-short", LASTING)
    session = client.create(repository=str(folder))
    client.until(session, happened("tool_output_chunk", text="begun\n"))
    client.run(session, "sudo pkill -9 -f bunkhouse_runner")
    log = client.until(session, idle)
    whole(log)
    (update,) = of(log, "tool_call_update", status="failed")
    assert update["error"] == "The sandbox was stopped while it ran."
    assert of(log, "error", code="set_up_failed")
    assert client.run(session, "cat count").stdout == "x\n"
    assert client.turn(session, "[demo:hello]")[-1]["outcome"] == "done"
    client.delete(session)
