"""To sleep and awake, many times over; away and back. With a real engine, agent and terminal."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from websockets.asyncio.client import connect

from ..hubs import Client, HubProcess, Seen, happened, text_of, whole

pytestmark = pytest.mark.engine

TIMES = 20
WORKSPACE_HASH = (
    "cd /workspace && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum"
)


def asleep(log: list[dict[str, Any]]) -> bool:
    return happened("state_changed", state="hibernated")(log)


def awake(log: list[dict[str, Any]]) -> bool:
    return happened("state_changed", state="idle", previous="restoring")(log)


def put_away(log: list[dict[str, Any]]) -> bool:
    return happened("stage", name="snapshot", status="done")(log)


def have(client: Client, session: str, what: str, seen: Seen) -> list[dict[str, Any]]:
    """Ask for something and wait until it has come to that; returns the events in between."""
    after = client.session(session)["last_seq"]
    client.post(f"/api/sessions/{session}/{what}", status=202)
    return client.until(session, seen, after=after)


def type_into(client: Client, session: str, terminal: str, text: str, until: str) -> str:
    """Type into a terminal, and give what it shows once that matches."""

    async def typed() -> str:
        url = f"{client.hub.url.replace('http', 'ws')}/api/sessions/{session}/terminals/{terminal}"
        headers = {"Authorization": f"Bearer {client.hub.token}"}
        shown = b""
        async with connect(f"{url}?rows=24&cols=80", additional_headers=headers) as look:
            await look.send(text.encode())
            async with asyncio.timeout(60):
                while not re.search(until.encode(), shown):
                    said = await look.recv()
                    shown += said if isinstance(said, bytes) else b""
        return shown.decode(errors="replace")

    with ThreadPoolExecutor(1) as thread:  # a loop of the browser tests may run in this one
        return thread.submit(asyncio.run, typed()).result()


@pytest.mark.timeout(1800)
def test_twenty_times_to_sleep_and_awake(client: Client, fresh: str) -> None:
    client.turn(fresh, "[demo:write path=notes/mine.md text=remembered]")
    client.run(fresh, "echo scratch > untracked; git add -A; git -c user.name=T commit -qm One")
    installed = client.run(fresh, "sudo apt-get -qq install -y --no-install-recommends tree 2>&1")
    if installed.returncode != 0:  # where no package can be had, a file in its place will do
        client.run(fresh, "printf '#!/bin/sh\\necho tree' | sudo install /dev/stdin /usr/bin/tree")
    terminal = client.post(f"/api/sessions/{fresh}/terminals", status=201)["id"]
    type_into(client, fresh, terminal, "cd notes; echo se''en-before\r", "seen-before\r")
    before = client.run(fresh, WORKSPACE_HASH).stdout
    assert before

    slept: list[int] = []
    woke: list[int] = []
    for _ in range(TIMES):
        log = have(client, fresh, "hibernate", asleep)
        # A runner that is told to end may dial once more before it does, which is a stage as well.
        done = {e["name"]: e["ms"] for e in log if e["type"] == "stage" and e["status"] == "done"}
        slept.append(done["stop"])
        log = have(client, fresh, "wake", awake)
        stages = {e["name"]: e["ms"] for e in log if e["type"] == "stage" and e["status"] == "done"}
        assert stages.keys() == {"container", "connect", "agent"}
        woke.append(sum(stages.values()))
    print(f"to sleep {sorted(slept)[TIMES // 2]} ms, awake {sorted(woke)[TIMES // 2]} ms (medians)")

    assert client.run(fresh, WORKSPACE_HASH).stdout == before
    assert client.run(fresh, "command -v tree").returncode == 0
    shown = type_into(client, fresh, terminal, "pwd; echo al''ive\r", "alive\r")
    assert "seen-before" in shown
    assert "/workspace/notes\r" in shown
    recalled = client.turn(fresh, "[demo:recall]")
    assert "text=remembered" in text_of(recalled)
    # The dev environment opens again.
    client.http.post(f"/api/sessions/{fresh}/services/editor", timeout=180).raise_for_status()
    whole(client.log(fresh))


def test_ended_and_brought_back(client: Client, hub: HubProcess, fresh: str) -> None:
    client.turn(fresh, "[demo:write path=notes/mine.md text=remembered]")
    client.run(fresh, "sudo touch /etc/ours; sudo chown agent /etc/ours; echo mine > ~/secret-file")
    terminal = client.post(f"/api/sessions/{fresh}/terminals", status=201)["id"]
    type_into(client, fresh, terminal, "echo se''en-before\r", "seen-before\r")
    before = client.run(fresh, WORKSPACE_HASH).stdout
    have(client, fresh, "end", put_away)
    client.await_no_sandbox(fresh)
    kept = client.session(fresh)["kept"]
    assert kept["form"] == "snapshot"
    assert 0 < kept["bytes"] < 500_000_000
    assert kept["until"]
    hub.command("wake", fresh)
    after = client.session(fresh)["last_seq"]
    assert client.turn(fresh, "[demo:recall]")[-1]["outcome"] == "done"
    assert "text=remembered" in text_of(client.log(fresh)[after:])
    assert client.run(fresh, WORKSPACE_HASH).stdout == before
    owner = client.run(fresh, "stat -c %U /etc/ours /etc/passwd ~/secret-file /workspace")
    assert owner.stdout.split() == ["agent", "root", "agent", "agent"]
    shown = type_into(client, fresh, terminal, "echo al''ive\r", "alive\r")
    assert "seen-before" in shown
    changes = client.get(f"/api/sessions/{fresh}/changes")
    assert [file["path"] for file in changes["files"]] == ["notes/mine.md"]
    whole(client.log(fresh))
