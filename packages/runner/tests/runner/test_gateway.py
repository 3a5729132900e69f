import asyncio
import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed

from bunkhouse_protocol.events import ChangedFile
from bunkhouse_protocol.gateway import (
    STDERR,
    STDOUT,
    Changes,
    ExecResult,
    Handover,
    HandoverRequest,
    Published,
    PublishRequest,
    Services,
)
from bunkhouse_protocol.places import ENV_TOKEN
from bunkhouse_runner import execution, gateway
from bunkhouse_runner.errors import NotPublished, Unknown, WorkspaceUnreadable
from bunkhouse_runner.processes import Account
from bunkhouse_runner.surroundings import Bare
from bunkhouse_runner.terminals import Terminals

from .fake_hub import TOKEN
from .test_processes import alive, gone


class Asked:
    """A running gateway."""

    def __init__(self, socket: Path, account: Account, cwd: Path) -> None:
        self.socket = socket
        self.account = account
        self.cwd = cwd
        self.limits: list[int] = []
        self.set_ups = 0
        self.problem: WorkspaceUnreadable | None = None

    async def changes(self, limit: int) -> Changes:
        self.limits.append(limit)
        if self.problem is not None:
            raise self.problem
        file = ChangedFile(path="a", status="added")
        return Changes(base="abc", files=[file], diff="diff")

    async def handover(self, request: HandoverRequest) -> Handover:
        if request.snapshot != "abc":
            raise Unknown("no_such_snapshot", "There is none.")
        return Handover(files=[], diff="d" * request.limit, commands=[])

    async def publish(self, request: PublishRequest) -> Published:
        if request.branch != "mine":
            raise NotPublished("push_refused", "It is refused.", detail="not this branch")
        return Published(commit="abc", commits=1, committed=True)

    async def set_up(self) -> None:
        self.set_ups += 1

    async def get(self, path: str) -> httpx2.Response:
        return await self.ask("GET", path)

    async def ask(self, method: str, path: str, body: str = "") -> httpx2.Response:
        transport = httpx2.AsyncHTTPTransport(uds=str(self.socket))
        async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.request(method, path, content=body)

    @asynccontextmanager
    async def exec(self, *argv: str, **request: object) -> AsyncGenerator[ClientConnection]:
        async with unix_connect(str(self.socket), "ws://gateway/exec") as connection:
            asked = {"argv": argv, "cwd": str(self.cwd), **request}
            await connection.send(json.dumps(asked))
            yield connection

    async def run(
        self, *argv: str, stdin: bytes | None = None, **request: object
    ) -> tuple[bytes, bytes, ExecResult]:
        async with self.exec(*argv, **request) as connection:
            if stdin is not None:
                await connection.send(stdin)
            await connection.send('{"eof": true}')
            return await finish(connection)


async def finish(connection: ClientConnection) -> tuple[bytes, bytes, ExecResult]:
    got = {STDOUT: b"", STDERR: b""}
    async with asyncio.timeout(20):
        async for message in connection:
            if isinstance(message, str):
                return got[STDOUT], got[STDERR], ExecResult.model_validate_json(message)
            got[message[0]] += message[1:]
    raise AssertionError("no result came")


async def until(connection: ClientConnection, wanted: bytes) -> bytes:
    """Read output until something is in it."""
    got = b""
    async with asyncio.timeout(20):
        while wanted not in got:
            message = await connection.recv()
            assert isinstance(message, bytes), message
            got += message[1:]
    return got


@pytest.fixture
async def asked(room: Path, account: Account) -> AsyncGenerator[Asked]:
    asked = Asked(room / "gateway.sock", account, account.home)
    sandbox = gateway.Sandbox(
        account=account,
        changes=asked.changes,
        handover=asked.handover,
        publish=asked.publish,
        set_up=asked.set_up,
        surroundings=Bare(lambda event: None, account, account.home),
        terminals=Terminals(account, account.home, server=("-S", str(account.home / "tmux"))),
    )
    served = gateway.Gateway(gateway.app(sandbox), asked.socket)
    await served.start()
    yield asked
    await served.stop()


async def test_the_set_up_is_run_again_when_asked(asked: Asked) -> None:
    transport = httpx2.AsyncHTTPTransport(uds=str(asked.socket))
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        assert (await client.post("/setup")).status_code == 204
        assert (await client.get("/setup")).status_code == 405
    assert asked.set_ups == 1


async def test_health(asked: Asked) -> None:
    assert (await asked.get("/health")).json() == {"ok": True}


async def test_changes(asked: Asked) -> None:
    answer = await asked.get("/changes")
    assert Changes.model_validate_json(answer.content).diff == "diff"
    await asked.get("/changes?limit=1000")
    assert asked.limits == [4 * 1024 * 1024, 1000]


async def test_changes_that_cannot_be_read(asked: Asked) -> None:
    asked.problem = WorkspaceUnreadable("workspace_not_ready", "Not yet.", remedy="Wait.")
    answer = await asked.get("/changes")
    assert answer.status_code == 503
    assert answer.json() == {
        "code": "workspace_not_ready",
        "message": "Not yet.",
        "remedy": "Wait.",
        "detail": None,
    }


async def test_a_handover(asked: Asked) -> None:
    answer = await asked.ask("POST", "/handover", '{"snapshot": "abc", "limit": 3}')
    assert Handover.model_validate_json(answer.content).diff == "ddd"
    answer = await asked.ask("POST", "/handover", '{"snapshot": "other"}')
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_snapshot")
    answer = await asked.ask("POST", "/handover", "nonsense")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_publishing(asked: Asked) -> None:
    wanted = {"branch": "mine", "message": "m", "author": {"name": "Ada", "email": "a@b"}}
    answer = await asked.ask("POST", "/publish", json.dumps(wanted))
    assert Published.model_validate_json(answer.content).commit == "abc"
    answer = await asked.ask("POST", "/publish", json.dumps({**wanted, "branch": "other"}))
    assert (answer.status_code, answer.json()["detail"]) == (503, "not this branch")
    answer = await asked.ask("POST", "/publish", "{}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_services(asked: Asked) -> None:
    answer = await asked.get("/services")
    states = [service.state for service in Services.model_validate_json(answer.content).services]
    assert states == ["stopped", "stopped"]
    assert (await asked.ask("POST", "/services/editor")).json()["code"] == "no_services"
    assert (await asked.ask("DELETE", "/services/editor")).status_code == 204
    assert (await asked.ask("DELETE", "/services/kitchen")).status_code == 404
    assert (await asked.get("/settings/editor")).json() == {"settings": {}}


async def test_output_error_output_and_exit_code(asked: Asked) -> None:
    out, err, result = await asked.run("sh", "-c", "echo out; echo err >/dev/stderr; exit 3")
    assert (out, err, result) == (b"out\n", b"err\n", ExecResult(exit_code=3))


async def test_it_runs_as_the_account_where_asked_without_the_token(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENV_TOKEN, TOKEN)
    out, _, _ = await asked.run("sh", "-c", "id -u; pwd; echo $MINE; env", env={"MINE": "yes"})
    lines = out.decode().splitlines()
    assert lines[:3] == [str(asked.account.uid), str(asked.cwd), "yes"]
    assert TOKEN not in out.decode()


async def test_input_is_passed_on_to_its_end(asked: Asked) -> None:
    data = os.urandom(3_000_000)
    async with asked.exec("cat") as connection:

        async def feed() -> None:
            for start in range(0, len(data), 100_000):
                await connection.send(data[start : start + 100_000])
            await connection.send('{"eof": true}')

        feeding = asyncio.create_task(feed())
        out, _, result = await finish(connection)
        await feeding
    assert out == data
    assert result.exit_code == 0


async def test_much_output_comes_whole_after_the_program_has_ended(asked: Asked) -> None:
    out, _, _ = await asked.run("head", "-c", "20000000", "/dev/zero")
    assert len(out) == 20_000_000


async def test_a_program_ended_by_a_signal(asked: Asked) -> None:
    _, _, result = await asked.run("sh", "-c", "kill -9 $$")
    assert result.exit_code == 137


async def test_programs_that_cannot_run(asked: Asked) -> None:
    _, _, result = await asked.run("no-such-program")
    assert result == ExecResult(exit_code=127, error="not_found")
    plain = asked.cwd / "plain"
    plain.write_text("no program")
    _, _, result = await asked.run(str(plain))
    assert result == ExecResult(exit_code=126, error="not_executable")
    _, err, result = await asked.run("true", cwd="/no/such/folder")
    assert (err, result.exit_code) == (b"There is no folder /no/such/folder.\n", 1)


async def test_what_is_left_in_the_background_does_not_hold_the_result(asked: Asked) -> None:
    out, _, result = await asked.run("sh", "-c", "sleep 5 & echo $!")
    assert result.exit_code == 0
    assert alive(int(out))  # it was the person's wish


async def test_a_terminal(asked: Asked) -> None:
    script = 'test -t 0 && stty size; read -r line; echo "got $line"; stty size; echo end >/dev/tty'
    async with asked.exec("sh", "-c", script, tty=True, rows=30, cols=100) as connection:
        assert b"30 100" in await until(connection, b"30 100\r\n")
        await connection.send('{"rows": 40, "cols": 120}')
        await connection.send(b"hello\n")
        out, _, result = await finish(connection)
    assert b"got hello\r\n40 120\r\nend\r\n" in out
    assert result.exit_code == 0


async def test_keys_of_a_terminal_reach_the_program(asked: Asked) -> None:
    script = "trap 'echo interrupted; exit 5' INT; echo ready; while :; do sleep 0.1; done"
    async with asked.exec("sh", "-c", script, tty=True) as connection:
        await until(connection, b"ready")
        await connection.send(b"\x03")
        out, _, result = await finish(connection)
    assert b"interrupted" in out
    assert result.exit_code == 5


async def test_the_end_of_input_of_a_terminal(asked: Asked) -> None:
    async with asked.exec("cat", tty=True) as connection:
        await connection.send('{"eof": true}')
        assert (await finish(connection))[2].exit_code == 0


@pytest.mark.parametrize("tty", [False, True])
async def test_a_peer_that_goes_away_takes_the_program_with_it(asked: Asked, tty: bool) -> None:
    script = "sleep 1000 & echo pid $! end; wait"
    async with asked.exec("sh", "-c", script, tty=tty) as connection:
        said = await until(connection, b"end")
        child = int(said.split()[1])
        assert alive(child)
        connection.transport.abort()
    await gone(child)


async def test_a_peer_that_goes_away_while_the_program_takes_no_input(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "PROBE_SECONDS", 0.05)
    async with asked.exec("sh", "-c", "echo $$; exec sleep 1000") as connection:
        child = int(await until(connection, b"\n"))

        async def feed() -> None:
            while True:
                await connection.send(b"x" * 100_000)

        feeding = asyncio.create_task(feed())
        await asyncio.wait({feeding}, timeout=0.3)
        connection.transport.abort()
        with pytest.raises(ConnectionClosed):
            await feeding
    await gone(child)


async def test_a_request_that_is_none(asked: Asked) -> None:
    async with unix_connect(str(asked.socket), "ws://gateway/exec") as connection:
        await connection.send('{"argv": []}')
        with pytest.raises(ConnectionClosed):
            await connection.recv()
        assert connection.close_code == execution.CLOSE_INVALID
