"""`open`: the addresses that it prints; and `exec` as a shell."""

import asyncio
import json
import os
import pty
import signal
import struct
import termios
from collections.abc import AsyncGenerator, Awaitable, Callable
from fcntl import ioctl
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, unix_serve

from bunkhouse.sessions import NewSession
from bunkhouse_protocol.gateway import STDOUT, ExecRequest

from ..api.house import House
from ..sandbox import SECONDS, fake_sandbox
from .program import Program


async def test_pages_are_printed(house: House, program: Program) -> None:
    view = await house.sessions.create(NewSession(), house.admin)
    page = f"http://bunkhouse.localhost:{house.url.rpartition(':')[2]}/sessions/{view.id}"
    assert (await program("open", view.id)).out == f"{page}\n"
    for pane in ("browser", "terminal", "changes"):
        assert (await program("open", view.id[:6], pane)).out == f"{page}?pane={pane}\n"
    refused = await program("open", view.id, "kitchen")
    assert (refused.code, "There is no 'kitchen' to open." in refused.err) == (1, True)


async def test_editor_and_ports_have_links_of_their_own(
    house: House, program: Program, short_path: Path
) -> None:
    view = await house.sessions.create(NewSession(), house.admin)
    port = await program("open", view.id, "5173", "--print")
    assert (port.code, port.out) == (0, f"http://5173--{view.id}.localhost:8787/\n")
    folder = short_path / "sandbox"
    folder.mkdir()
    async with fake_sandbox(folder) as sandbox:
        house.sessions.gateways[view.id] = sandbox.gateway
        editor = await program("open", view.id, "editor")
        assert (editor.code, editor.out) == (0, f"http://editor--{view.id}.localhost:8787/\n")
        assert sandbox.running == {"editor"}


Handler = Callable[[ServerConnection], Awaitable[None]]


@pytest.fixture
async def shell(house: House, tmp_path: Path) -> AsyncGenerator[str]:
    """A session whose gateway tells what it was asked for, and ends at the word `exit`."""
    view = await house.sessions.create(NewSession(), house.admin)

    async def run(connection: ServerConnection) -> None:
        request = ExecRequest.model_validate_json(await connection.recv())
        told = f"argv={request.argv} tty={request.tty} {request.rows}x{request.cols};"
        await connection.send(bytes([STDOUT]) + told.encode())
        async for message in connection:
            if isinstance(message, bytes):
                await connection.send(bytes([STDOUT]) + b"<" + message + b">")
                if b"exit" in message:
                    break
            else:
                await connection.send(bytes([STDOUT]) + message.encode())
                if json.loads(message).get("eof"):
                    break
        await connection.send(json.dumps({"exit_code": 7}))

    async with await unix_serve(run, str(tmp_path / "g.sock")):
        house.sessions.gateways[view.id] = tmp_path / "g.sock"
        yield view.id


async def test_without_a_program_it_is_a_shell(program: Program, shell: str) -> None:
    ended = await program("exec", shell, typed=b"ls\n")
    assert ended.code == 7
    assert ended.out.startswith("argv=['bash', '-l'] tty=False")


@pytest.mark.parametrize("arguments", [("-t", "SESSION", "--", "top"), ("SESSION", "--tty", "top")])
async def test_a_terminal_where_there_is_none(
    program: Program, shell: str, arguments: tuple[str, ...]
) -> None:
    given = [shell if each == "SESSION" else each for each in arguments]
    ended = await program("exec", *given, typed=b"")
    assert (ended.code, ended.out.startswith("argv=['top'] tty=True")) == (7, True)


async def test_on_a_terminal_keys_go_raw_and_sizes_follow(program: Program, shell: str) -> None:
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    before = termios.tcgetattr(theirs)
    program.environment |= {"COLUMNS": "20", "LINES": "5"}  # the terminal itself knows better
    running = await program.start("exec", shell, stdin=theirs, stdout=theirs, stderr=theirs)
    seen, more = bytearray(), asyncio.Event()

    def read() -> None:
        seen.extend(os.read(ours, 4096))
        more.set()

    loop = asyncio.get_running_loop()
    loop.add_reader(ours, read)

    async def says(words: bytes) -> None:
        async with asyncio.timeout(SECONDS):
            while words not in seen:
                more.clear()
                await more.wait()

    await says(b"tty=True 33x77;")
    os.write(ours, b"\x03")
    await says(b"<\x03>")
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 44, 88, 0, 0))
    running.signal(signal.SIGWINCH)
    await says(b'{"rows": 44, "cols": 88}')
    os.write(ours, b"exit")
    await says(b"<exit>")
    assert (await running.end()).code == 7
    loop.remove_reader(ours)
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)
