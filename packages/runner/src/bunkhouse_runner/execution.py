"""Running a program for somebody outside: its input, output and end over a WebSocket.

The messages are described in `bunkhouse_protocol.gateway`. The program's output is read only as
fast as the other side takes it. When that side goes away, the program is ended.
"""

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import pty
import struct
import termios
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from bunkhouse_protocol.gateway import STDERR, STDOUT, ExecRequest, ExecResult
from bunkhouse_runner import processes
from bunkhouse_runner.processes import Account

CHUNK_BYTES = 64 * 1024
PROBE_SECONDS = 5.0
LINGER_SECONDS = 0.25
"""How long output may pause, once the program has ended, before it is taken to be complete: what
it left running in the background may hold the pipe open."""
CLOSE_INVALID = 4422
END_OF_INPUT = b"\x04"


class _Input:
    """Writes to the program, through a pipe or a terminal."""

    def __init__(self, descriptor: int, *, terminal: bool) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor: int | None = descriptor
        self._terminal = terminal

    async def write(self, data: bytes) -> None:
        while data and self._descriptor is not None:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                await _writable(self._descriptor)
            except OSError:  # the program has closed its side
                return

    def end(self) -> None:
        if self._descriptor is None:
            return
        if self._terminal:
            with contextlib.suppress(OSError):
                os.write(self._descriptor, END_OF_INPUT)
        else:
            self.close()

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def resize(self, rows: int, cols: int) -> None:
        if self._terminal and self._descriptor is not None:
            with contextlib.suppress(OSError, struct.error):
                size = struct.pack("HHHH", rows, cols, 0, 0)
                fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, size)


async def _writable(descriptor: int) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_writer(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(descriptor)


async def _read(descriptor: int) -> bytes:
    """Read what is there, at least a byte; nothing at the end."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            return os.read(descriptor, CHUNK_BYTES)
        except BlockingIOError:
            ready = asyncio.Event()
            loop.add_reader(descriptor, ready.set)
            try:
                await ready.wait()
            finally:
                loop.remove_reader(descriptor)
        except OSError as error:
            if error.errno == errno.EIO:  # nobody holds the other side of the terminal any more
                return b""
            raise


async def serve(websocket: WebSocket, account: Account) -> None:
    """Run what the first message asks for, as `account`."""
    await websocket.accept()
    try:
        request = ExecRequest.model_validate_json(await websocket.receive_text())
    except (ValidationError, KeyError) as error:
        await websocket.close(CLOSE_INVALID, str(error).partition("\n")[0][:120])
        return
    except WebSocketDisconnect:
        return
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        result = await _run(websocket, request, account)
        await websocket.send_text(result.model_dump_json())
        await websocket.close()


async def _run(websocket: WebSocket, request: ExecRequest, account: Account) -> ExecResult:
    if not _is_folder(request.cwd):
        await _send(websocket, STDERR, f"There is no folder {request.cwd}.\n".encode())
        return ExecResult(exit_code=1)
    async with contextlib.AsyncExitStack() as stack:
        try:
            begin = _on_terminal if request.tty else _on_pipes
            process, entry, outputs = await begin(request, account, stack)
        except OSError as error:
            return _not_started(error)
        stack.push_async_callback(_end, process)
        return await _converse(websocket, process, entry, outputs)


_Started = tuple[asyncio.subprocess.Process, _Input, dict[int, int]]
"""The program, its input, and the descriptors of its outputs."""


async def _on_pipes(
    request: ExecRequest, account: Account, stack: contextlib.AsyncExitStack
) -> _Started:
    # Pipes of our own: with asyncio's, a program has not ended while anybody holds them.
    with contextlib.ExitStack() as theirs:
        ends = [os.pipe() for _ in range(3)]
        (stdin, entry), (out, stdout), (err, stderr) = ends
        for descriptor in (stdin, stdout, stderr):
            _give(descriptor, account)
            theirs.callback(os.close, descriptor)
        given = _Input(entry, terminal=False)
        stack.callback(given.close)
        for descriptor in (out, err):
            stack.callback(os.close, descriptor)
            os.set_blocking(descriptor, False)
        process = await processes.start(
            request.argv, account, cwd=Path(request.cwd), env=request.env,
            stdin=stdin, stdout=stdout, stderr=stderr,
        )  # fmt: skip
    return process, given, {STDOUT: out, STDERR: err}


async def _on_terminal(
    request: ExecRequest, account: Account, stack: contextlib.AsyncExitStack
) -> _Started:
    master, slave = pty.openpty()
    try:
        given = _Input(master, terminal=True)
        stack.callback(given.close)
        given.resize(request.rows, request.cols)
        _give(slave, account)
        process = await processes.start(
            request.argv, account, cwd=Path(request.cwd),
            env={"TERM": "xterm-256color", **request.env},
            stdin=slave, stdout=slave, stderr=slave, terminal=True,
        )  # fmt: skip
    finally:
        os.close(slave)
    return process, given, {STDOUT: master}


def _give(descriptor: int, account: Account) -> None:
    """Have the account own a pipe or terminal, so that its programs can open `/dev/stdout`."""
    if os.geteuid() == 0:
        os.fchown(descriptor, account.uid, account.gid)


def _is_folder(path: str) -> bool:
    return Path(path).is_dir()


def _not_started(error: OSError) -> ExecResult:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return ExecResult(exit_code=127, error="not_found")
    return ExecResult(exit_code=126, error="not_executable")


async def _converse(
    websocket: WebSocket,
    process: asyncio.subprocess.Process,
    entry: _Input,
    outputs: dict[int, int],
) -> ExecResult:
    pumps = [_Pump(websocket, stream, descriptor) for stream, descriptor in outputs.items()]
    sending = [asyncio.create_task(pump.run()) for pump in pumps]
    receiving = asyncio.create_task(_receive(websocket, entry))
    ended = asyncio.create_task(process.wait())
    tasks: list[asyncio.Task[Any]] = [*sending, receiving, ended]
    try:
        await asyncio.wait({receiving, ended}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            receiving.result()
            raise WebSocketDisconnect
        for pump, task in zip(pumps, sending, strict=True):
            await pump.drained(task)
        return ExecResult(exit_code=_as_shell(ended.result()))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _as_shell(status: int) -> int:
    return 128 - status if status < 0 else status


class _Pump:
    """Sends one stream of output."""

    def __init__(self, websocket: WebSocket, stream: int, descriptor: int) -> None:
        self._websocket = websocket
        self._stream = stream
        self._descriptor = descriptor
        self._sending = False
        self._count = 0

    async def run(self) -> None:
        while data := await _read(self._descriptor):
            self._sending = True
            await _send(self._websocket, self._stream, data)
            self._sending = False
            self._count += 1

    async def drained(self, task: asyncio.Task[None]) -> None:
        """Wait until all is sent, or nothing more comes."""
        while True:
            count = self._count
            await asyncio.wait({task}, timeout=LINGER_SECONDS)
            if task.done():
                task.result()
                return
            if count == self._count and not self._sending:
                return


async def _receive(websocket: WebSocket, entry: _Input) -> None:
    """Take messages until the other side goes away: raises WebSocketDisconnect."""
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
        if data := message.get("bytes"):
            await _write(websocket, entry, data)
        elif text := message.get("text"):
            with contextlib.suppress(ValueError, TypeError, AttributeError):
                said = json.loads(text)
                if said.get("eof"):
                    entry.end()
                if "rows" in said:
                    entry.resize(int(said["rows"]), int(said["cols"]))


async def _write(websocket: WebSocket, entry: _Input, data: bytes) -> None:
    """Write to the program. While it takes nothing, see now and then that the peer is still there.

    Nothing is received meanwhile, so that a peer which went away would not be noticed.
    """
    writing = asyncio.create_task(entry.write(data))
    try:
        while not (await asyncio.wait({writing}, timeout=PROBE_SECONDS))[0]:
            await _send(websocket, STDOUT, b"")
        writing.result()
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def _send(websocket: WebSocket, stream: int, data: bytes) -> None:
    await websocket.send_bytes(bytes([stream]) + data)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        await asyncio.shield(processes.end(process))
