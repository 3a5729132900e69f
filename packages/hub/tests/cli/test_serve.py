"""`bunkhouse serve` with the real application, on a machine without a container engine."""

import asyncio
import json
import re
import signal
import socket
from pathlib import Path

import httpx2

from bunkhouse.cli import presence

from .program import Program, Running


async def serving(lone: Program, *arguments: str) -> tuple[Running, str, str]:
    """Start a hub; gives its process, its URL and its sign-in link."""
    running = await lone.start("serve", *arguments)
    await running.says("Ctrl+C")
    found = re.search(r"(http://bunkhouse.localhost:\d+)/login/\S+", running.out)
    assert found
    return running, found[1].replace("bunkhouse.localhost", "127.0.0.1"), found[0]


async def test_from_start_to_stop(lone: Program) -> None:
    data_dir = Path(lone.environment["BUNKHOUSE_DATA_DIR"])
    running, url, link = await serving(lone)
    assert "Bunkhouse 0." in running.out

    # The link signs a browser in, once.
    async with httpx2.AsyncClient(base_url=url, trust_env=False) as browser:
        assert (await browser.get("/api/health")).json()["ok"] is True
        path = link.partition("/login/")[2]
        assert (await browser.get(f"/login/{path}")).status_code == 303
        assert (await browser.get("/api/me")).json()["name"] == "Admin"
        assert (await browser.get("/api/system")).json()["engine"]["ok"] is False

    # Tokens and links are made beside it, and are the same person's.
    scopes = ("--scope", "read", "--scope", "account")
    token = await lone("token", "create", "--name", "ci", *scopes)
    assert (token.code, token.err) == (0, "")
    assert re.fullmatch(r"bh_\S+\n", token.out)
    async with httpx2.AsyncClient(
        base_url=url, headers={"Authorization": f"Bearer {token.out.strip()}"}, trust_env=False
    ) as program:
        assert (await program.get("/api/me")).json()["name"] == "Admin"
        another = await lone("admin", "link")
        assert another.out.startswith(url.replace("127.0.0.1", "bunkhouse.localhost") + "/login/")
        path = another.out.strip().partition("/login/")[2]
        assert (await program.get(f"/login/{path}")).status_code == 303

        # The command line finds it by its folder, and keeps its token to itself.
        listed = await lone("sessions", "--json")
        assert (listed.code, json.loads(listed.out)) == (0, [])
        assert (data_dir / "cli-token").stat().st_mode & 0o777 == 0o600
        again = await lone("sessions", "--json")
        assert again.code == 0
        tokens = (await program.get("/api/tokens")).json()["items"]
        assert sorted(each["name"] for each in tokens) == ["ci", "command line"]

        # A second one on the same folder says where the first is.
        second = await lone("serve")
        assert second.code == 1
        assert f"already at {url} (process {running.process.pid})" in second.err

        # It stops although somebody reads a stream that has no end.
        async with program.stream("GET", "/api/events") as stream:
            await anext(stream.aiter_lines())
            running.signal(signal.SIGTERM)
            ended = await running.end()
    assert ended.code == 0
    assert "Traceback" not in ended.err
    assert not (data_dir / "hub.json").exists()
    assert presence.running(data_dir) is None


async def test_a_hub_that_was_killed_is_not_believed_and_its_place_is_taken(lone: Program) -> None:
    data_dir = Path(lone.environment["BUNKHOUSE_DATA_DIR"])
    running, _, _ = await serving(lone)
    running.signal(signal.SIGKILL)
    await running.end()
    assert (data_dir / "hub.json").exists()
    assert "No hub runs on" in (await lone("sessions")).err
    running, url, link = await serving(lone)
    async with httpx2.AsyncClient(base_url=url, trust_env=False) as browser:
        path = link.partition("/login/")[2]
        assert (await browser.get(f"/login/{path}")).status_code == 303
    running.signal(signal.SIGINT)
    assert (await running.end()).code == 0


async def test_a_port_in_use(lone: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = await lone("serve", "--port", str(port))
    assert ended.code == 1
    assert ended.err.splitlines() == [
        f"Port {port} is in use.",
        "Choose another with --port or BUNKHOUSE_PORT (0 takes a free one).",
    ]


async def test_a_data_folder_that_is_a_file(lone: Program, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = await lone("serve", "--data-dir", str(tmp_path / "file" / "data"))
    assert ended.code == 1
    assert "can't be used" in ended.err
    assert "Traceback" not in ended.err


async def test_a_token_before_the_hub_was_ever_started(lone: Program) -> None:
    ended = await lone("token", "create")
    assert (ended.code, ended.out.startswith("bh_")) == (0, True)


async def test_run_starts_a_hub_for_itself_and_with_detach_leaves_it(lone: Program) -> None:
    data_dir = Path(lone.environment["BUNKHOUSE_DATA_DIR"])
    ended = await lone("run", "--detach", "--repo", "none", "go")
    assert ended.code == 0, ended.err
    assert "No hub runs: starting one" in ended.err
    hub = presence.running(data_dir)
    assert hub is not None
    assert f"goes on running at {hub.url}" in ended.err
    (session,) = json.loads((await lone("sessions", "--json")).out)
    assert (session["id"], session["state"]) == (ended.out.strip(), "queued")
    assert (await lone("stop", session["id"][:5])).code == 0
    process = await asyncio.create_subprocess_exec("kill", str(hub.pid))
    await process.wait()
    async with asyncio.timeout(20):
        await asyncio.to_thread(_wait_until_gone, data_dir)


def _wait_until_gone(data_dir: Path) -> None:
    with presence.claim(data_dir):
        pass
