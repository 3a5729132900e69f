"""`sessions`, `stop`, `delete`, `exec`, and what is said when something is wrong."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, unix_serve

from bunkhouse.sessions import NewSession
from bunkhouse_protocol.gateway import STDERR, STDOUT, ExecRequest

from ..api.house import House
from ..sessions.runner import Runner
from .program import Program


async def test_the_list(house: House, program: Program) -> None:
    empty = await program("sessions")
    assert (empty.code, "No sessions yet" in empty.out) == (0, True)
    view = await house.sessions.create(
        NewSession(repository="/repos/big/thing.git", title="Roof \x1b[31m"), house.admin
    )
    listed = await program("sessions")
    assert listed.code == 0
    row = next(line for line in listed.out.splitlines() if view.id in line)
    assert row.split()[1:3] == ["◐", "queued"]
    assert "big/thing" in row
    assert "\x1b" not in listed.out
    (item,) = json.loads((await program("sessions", "--json")).out)
    assert item["id"] == view.id


async def test_sessions_are_named_by_enough_of_their_id(house: House, program: Program) -> None:
    views = [await house.sessions.create(NewSession(prompt="go"), house.admin) for _ in range(2)]
    first = views[0].id
    shared = next(n for n in range(len(first)) if first[n] != views[1].id[n])
    assert (await program("stop", first[: shared + 1])).code == 0
    assert (await house.sessions.get(first)).queue == []
    assert len((await house.sessions.get(views[1].id)).queue) == 1
    assert (await program("delete", first)).code == 0
    gone = await program("delete", first)
    assert (gone.code, f"There is no session {first}." in gone.err) == (1, True)


async def test_an_export_to_a_file_and_to_stdout(
    house: House, program: Program, tmp_path: Path
) -> None:
    view = await house.sessions.create(NewSession(prompt="Mend it", title="Roof"), house.admin)
    folder = tmp_path / "exports"
    await asyncio.to_thread(folder.mkdir)
    told = await program("export", view.id[:8])
    assert (told.code, told.out.startswith("# Roof\n")) == (0, True)
    done = await program("export", view.id, "--format", "jsonl", "--output", str(folder))
    (path,) = [Path(entry) for entry in os.scandir(folder)]
    assert (done.code, done.out, path.name) == (0, "", f"bunkhouse-{view.id}-roof.jsonl")
    assert str(path) in done.err
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert (lines[0]["type"], len(lines)) == ("bunkhouse_session", 1 + view.last_seq)
    again = await program("export", view.id, "--format", "jsonl", "--output", str(folder))
    assert (again.code, "is there already" in again.err) == (1, True)
    nowhere = await program("export", view.id, "--output", str(folder / "no/file.md"))
    assert (nowhere.code, "can't be written" in nowhere.err) == (1, True)
    assert [entry.path for entry in os.scandir(folder)] == [str(path)]


async def test_to_sleep_awake_and_ended(house: House, program: Program) -> None:
    view = await house.sessions.create(NewSession(), house.admin)
    too_early = await program("hibernate", view.id)
    assert (too_early.code, "queued" in too_early.err) == (1, True)
    await Runner(house.room, view.id).start()
    assert (await program("hibernate", view.id[:8])).code == 0
    assert (await house.sessions.get(view.id)).state == "hibernating"
    assert (await program("wake", view.id)).code == 0
    assert (await house.sessions.get(view.id)).state == "restoring"
    assert (await program("end", view.id)).code == 0
    assert (await house.sessions.get(view.id)).state == "ended"
    nothing = await program("wake", view.id)
    assert (nothing.code, "not kept any more" in nothing.err) == (1, True)
    assert "Start a new session" in nothing.err


async def test_an_ambiguous_beginning_is_not_guessed(house: House, program: Program) -> None:
    views = [await house.sessions.create(NewSession(), house.admin) for _ in range(2)]
    refused = await program("delete", "")
    assert refused.code == 1
    assert "Several sessions begin with" in refused.err
    assert len((await house.sessions.list())[0]) == len(views)


@pytest.fixture
async def sandbox(house: House, tmp_path: Path):
    """A session whose gateway runs programs on this machine, in its own small way."""
    view = await house.sessions.create(NewSession(), house.admin)

    async def run(connection: ServerConnection) -> None:
        request = ExecRequest.model_validate_json(await connection.recv())
        assert not request.tty
        try:
            process = await asyncio.create_subprocess_exec(
                *request.argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except FileNotFoundError:
            await connection.send(json.dumps({"exit_code": 127, "error": "not_found"}))
            return
        given = b""
        async for message in connection:
            if isinstance(message, str):
                break
            given += message
        out, err = await process.communicate(given)
        await connection.send(bytes([STDERR]) + err)
        for start in range(0, len(out), 65536):
            await connection.send(bytes([STDOUT]) + out[start : start + 65536])
        await connection.send(json.dumps({"exit_code": process.returncode}))

    async with await unix_serve(run, str(tmp_path / "g.sock"), max_size=None):
        house.sessions.gateways[view.id] = tmp_path / "g.sock"
        yield view.id


async def test_a_program_in_the_sandbox(program: Program, sandbox: str) -> None:
    script = "cat; echo to stderr >&2; exit 3"
    ended = await program("exec", sandbox, "--", "sh", "-c", script, typed=b"hello\n")
    assert (ended.code, ended.out, ended.err) == (3, "hello\n", "to stderr\n")


async def test_much_in_and_much_out(program: Program, sandbox: str) -> None:
    text = b"0123456789abcde\n" * 100_000
    ended = await program("exec", sandbox[:6], "--", "cat", typed=text)
    assert (ended.code, ended.out == text.decode()) == (0, True)


async def test_options_of_the_program_are_its_own(program: Program, sandbox: str) -> None:
    ended = await program("exec", sandbox, "--", "echo", "--help", "-n", "--", "x")
    assert (ended.code, ended.out) == (0, "--help -n -- x\n")


async def test_a_program_that_is_not_there(program: Program, sandbox: str) -> None:
    ended = await program("exec", sandbox, "--", "no-such-program")
    assert (ended.code, ended.err) == (127, "no-such-program: not found\n")


async def test_a_session_without_a_sandbox(house: House, program: Program) -> None:
    view = await house.sessions.create(NewSession(), house.admin)
    ended = await program("exec", view.id, "--", "true")
    assert ended.code == 1
    assert "not running" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["run"], ["run", "--nope", "x"], ["serve", "--port", "x"], ["exec"]],
)
async def test_wrong_usage_is_2(lone: Program, arguments: list[str]) -> None:
    ended = await lone(*arguments)
    assert ended.code == 2
    assert "--help" in ended.err
    assert "Traceback" not in ended.err


async def test_a_hub_that_can_not_be_reached(lone: Program) -> None:
    nowhere = {"BUNKHOUSE_URL": "http://127.0.0.1:1", "BUNKHOUSE_TOKEN": "bh_x"}
    lone.environment.update(nowhere)
    ended = await lone("sessions")
    assert ended.code == 1
    assert ended.err.splitlines() == [
        "The hub at http://127.0.0.1:1 can't be reached.",
        "Start it with `bunkhouse serve`, or check BUNKHOUSE_URL.",
    ]


async def test_a_token_that_is_wrong(house: House, program: Program) -> None:
    program.environment["BUNKHOUSE_TOKEN"] = "bh_wrong"
    ended = await program("sessions")
    assert (ended.code, "This token is not valid:" in ended.err) == (1, True)


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"BUNKHOUSE_URL": "http://127.0.0.1:1"}, "BUNKHOUSE_TOKEN is not"),
        ({"BUNKHOUSE_URL": "nonsense", "BUNKHOUSE_TOKEN": "x"}, "BUNKHOUSE_URL is no address"),
        ({}, "No hub runs on"),
        ({"BUNKHOUSE_MAX_SANDBOXES": "0"}, "The setting BUNKHOUSE_MAX_SANDBOXES can't be taken"),
    ],
)
async def test_what_is_missing_is_said(
    lone: Program, environment: dict[str, str], sentence: str
) -> None:
    lone.environment.update(environment)
    ended = await lone("sessions")
    assert (ended.code, sentence in ended.err) == (1, True)
    assert "Traceback" not in ended.err
