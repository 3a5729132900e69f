"""`bunkhouse exec`: a program in a session's sandbox, as if it ran here."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import termios
import threading
import tty
from collections.abc import Generator
from typing import Annotated, Any

from cyclopts import Parameter
from websockets import ClientConnection, ConnectionClosed, InvalidStatus, WebSocketException
from websockets.asyncio.client import connect as websocket_connect

from bunkhouse.cli.configuration import configure_logs, load_settings
from bunkhouse.cli.hub import Hub, HubRefused, connect
from bunkhouse.errors import Unavailable, UpstreamFailed
from bunkhouse_protocol.gateway import STDERR, ExecRequest

_CHUNK = 32 * 1024


_LOGIN_SHELL = ("bash", "-l")


def execute(
    session: str,
    /,
    *command: Annotated[str, Parameter(allow_leading_hyphen=True)],
    tty: Annotated[bool, Parameter(name=["--tty", "-t"], negative="")] = False,
) -> int:
    """Run a program in a session's sandbox, as the agent's user in /workspace.

    Its exit code is ours (127: there is no such program). Without one it is a login shell. Give
    options of the program after `--`.

    Parameters
    ----------
    session
        Id of the session, or enough of its beginning.
    command
        Program and arguments.
    tty
        Give it a terminal even where we have none.
    """
    settings = load_settings()
    configure_logs("warning")
    hub = connect(settings)
    found = hub.session(session)
    here = sys.stdin.isatty() and sys.stdout.isatty()
    size = _size()
    request = ExecRequest(
        argv=list(command or _LOGIN_SHELL),
        tty=tty or here,
        rows=size.lines,
        cols=size.columns,
        env={"TERM": os.environ.get("TERM", "xterm-256color")} if tty or here else {},
    )
    with _raw() if request.tty and sys.stdin.isatty() else contextlib.nullcontext():
        return asyncio.run(_execute(hub, found["id"], request))


async def _execute(hub: Hub, session_id: str, request: ExecRequest) -> int:
    address = f"ws{hub.url.removeprefix('http')}/api/sessions/{session_id}/exec"
    try:
        async with websocket_connect(
            address,
            additional_headers={"Authorization": f"Bearer {hub.token}"},
            proxy=None if hub.is_local else True,
            max_size=None,
            compression=None,
        ) as connection:
            await connection.send(request.model_dump_json())
            with _resizing(connection) if request.tty else contextlib.nullcontext():
                sending = asyncio.create_task(_send_input(connection))
                try:
                    return await _receive(connection, request)
                finally:
                    sending.cancel()
                    await asyncio.gather(sending, return_exceptions=True)
    except InvalidStatus as error:
        raise _refused(error) from error
    except (OSError, WebSocketException) as error:
        raise Unavailable(
            f"The hub at {hub.url} can't be reached.", remedy="Is it running?"
        ) from error


async def _receive(connection: ClientConnection, request: ExecRequest) -> int:
    with contextlib.suppress(ConnectionClosed):
        async for message in connection:
            if isinstance(message, bytes):
                stream = sys.stderr.buffer if message[:1] == bytes([STDERR]) else sys.stdout.buffer
                stream.write(message[1:])
                stream.flush()
                continue
            result = json.loads(message)
            if result.get("error"):
                what = {"not_found": "not found", "not_executable": "not executable"}
                reason = what.get(result["error"], result["error"])
                print(f"{request.argv[0]}: {reason}", file=sys.stderr)
            return int(result["exit_code"])
    raise UpstreamFailed(
        "The sandbox ended before the program did.", remedy="Look at its state and try again."
    )


async def _send_input(connection: ClientConnection) -> None:
    """Send what comes on stdin, and its end. The reading thread is left behind at our exit."""
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes] = asyncio.Queue()
    taken = threading.Semaphore(4)

    def read() -> None:
        while True:
            taken.acquire()
            try:
                chunk = os.read(sys.stdin.fileno(), _CHUNK)
            except (OSError, ValueError):
                chunk = b""
            try:
                loop.call_soon_threadsafe(chunks.put_nowait, chunk)
            except RuntimeError:  # we are done
                return
            if not chunk:
                return

    threading.Thread(target=read, daemon=True).start()
    with contextlib.suppress(ConnectionClosed):
        while chunk := await chunks.get():
            await connection.send(chunk)
            taken.release()
        await connection.send(json.dumps({"eof": True}))


def _size() -> os.terminal_size:
    """The terminal's real size: LINES and COLUMNS may be left over from another one."""
    try:
        return os.get_terminal_size(sys.stdout.fileno())
    except OSError:
        return shutil.get_terminal_size()


@contextlib.contextmanager
def _resizing(connection: ClientConnection) -> Generator[None]:
    loop = asyncio.get_running_loop()
    sending: set[asyncio.Task[None]] = set()

    def resized() -> None:
        size = _size()
        message = json.dumps({"rows": size.lines, "cols": size.columns})
        task = asyncio.ensure_future(connection.send(message))
        sending.add(task)
        task.add_done_callback(sending.discard)

    loop.add_signal_handler(signal.SIGWINCH, resized)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)


@contextlib.contextmanager
def _raw() -> Generator[None]:
    """Let every key go to the program, Ctrl+C too."""
    file = sys.stdin.fileno()
    before = termios.tcgetattr(file)
    tty.setraw(file)
    try:
        yield
    finally:
        termios.tcsetattr(file, termios.TCSADRAIN, before)


def _refused(error: InvalidStatus) -> HubRefused | Unavailable:
    try:
        problem: dict[str, Any] = json.loads(error.response.body or b"")
        return HubRefused(
            str(problem["detail"]),
            remedy=problem.get("remedy"),
            code=str(problem["code"]),
            http_status=error.response.status_code,
        )
    except (ValueError, KeyError, TypeError):
        return Unavailable(f"The hub answered {error.response.status_code}.")
