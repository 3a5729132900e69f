"""How much of a direct connection the hub's gateway leaves: a large download, WebSocket echo.

Three processes, as in life: an app (`python -m http.server` for the download), the hub's server
with its gateway, and who measures. Direct and through the hub take turns, so that what else the
machine does touches both.
"""

import asyncio
import contextlib
import json
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import uvloop
import websockets

from bunkhouse.bus.memory import MemoryBus
from bunkhouse.cli.addresses import listen
from bunkhouse.cli.server import Server
from bunkhouse.gateway import Apps, Gateway, websockets_through
from bunkhouse.people import People, Rights
from bunkhouse.settings import Settings
from bunkhouse.store import Database, sessions

SIZE = 512 * 1024 * 1024
CHUNK = 256 * 1024
ROUNDS = 9
ECHOES = 16_000
WINDOW = 32
"""Messages that are on their way at once."""
MESSAGE = b"x" * 64


def measure() -> dict[str, float]:
    """Give ratios of through the hub to direct: bytes and echoes per second."""
    with tempfile.TemporaryDirectory(prefix="bh") as folder:
        with (Path(folder) / "download").open("wb") as file:
            file.truncate(SIZE)
        files = ["-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", folder]
        download = _ratio(files, _download)
    return {"download": download, "WebSocket echo": _ratio([__file__, "app"], _echo)}


def _ratio(app: list[str], run: Callable[[dict[str, str]], float]) -> float:
    with _process(*app) as address, _process(__file__, "hub", address) as told:
        hub = json.loads(told)
        port, _, _ = address.partition(" ")
        direct = {"Host": "localhost", "port": port, "Cookie": "a=b", "Origin": "http://x"}
        pairs = [(run(direct), run(hub)) for _ in range(ROUNDS)]
    return statistics.median(a for a, _ in pairs) / statistics.median(b for _, b in pairs)


def _download(to: dict[str, str]) -> float:
    buffer = bytearray(CHUNK)
    with socket.create_connection(("127.0.0.1", int(to["port"]))) as connection:
        request = f"GET /download HTTP/1.1\r\nHost: {to['Host']}\r\nCookie: {to['Cookie']}\r\n\r\n"
        connection.sendall(request.encode())
        began, got = time.monotonic(), 0
        while got < SIZE:
            read = connection.recv_into(buffer)
            if not read:
                raise ConnectionError("the download broke off")
            got += read
        return time.monotonic() - began


def _echo(to: dict[str, str]) -> float:
    async def run() -> float:
        async with websockets.connect(
            f"ws://{to['Host']}/ws",
            host="127.0.0.1",
            port=int(to["port"]),
            additional_headers={"Cookie": to["Cookie"]},
            origin=websockets.Origin(to["Origin"]),
            proxy=None,
            compression=None,
        ) as connection:
            began = time.monotonic()
            for _ in range(WINDOW):
                await connection.send(MESSAGE)
            for _ in range(ECHOES - WINDOW):
                await connection.recv()
                await connection.send(MESSAGE)
            for _ in range(WINDOW):
                await connection.recv()
            return time.monotonic() - began

    return asyncio.run(run())


@contextlib.contextmanager
def _process(*arguments: str) -> Generator[str]:
    """Start Python; gives the first line that it prints, or of http.server's the port in it."""
    with subprocess.Popen(
        [sys.executable, "-u", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            serving = re.match(r"Serving HTTP on \S+ port (\d+)", line)
            yield serving[1] if serving else line
        finally:
            process.terminate()


async def _app() -> None:
    async def echo(websocket: websockets.ServerConnection) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in websocket:
                await websocket.send(message)

    # The hub reaches a sandbox by a Unix socket, and no network: so it does here.
    with tempfile.TemporaryDirectory(prefix="bh") as folder:
        async with (
            websockets.serve(echo, "127.0.0.1", 0, compression=None) as server,
            websockets.unix_serve(echo, path := f"{folder}/app", compression=None),
        ):
            print(next(iter(server.sockets)).getsockname()[1], path)
            await asyncio.Future()


class _Streams:
    def __init__(self, address: str) -> None:
        self._port, _, self._path = address.partition(" ")

    async def open_stream(
        self, session_id: str, target: str
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._path:
            return await asyncio.open_unix_connection(self._path)
        return await asyncio.open_connection("127.0.0.1", int(self._port))


async def _hub(address: str) -> None:
    with tempfile.TemporaryDirectory(prefix="bh") as folder:
        settings = Settings(data_dir=Path(folder), _env_file=None)  # pyright: ignore[reportCallIssue]
        listening = listen("127.0.0.1", 0)
        settings.port = listening.getsockname()[1]
        database = await Database.open(settings.database_path)
        people = People(database)
        rights = Rights(database, MemoryBus(), people)
        watching = asyncio.create_task(rights.run())
        signed_in = await people.use_link(await people.sign_in_link())
        person = await people.by_cookie(signed_in.secret)
        assert person is not None
        async with database.write() as tx:
            now = datetime.now(UTC)
            await sessions.add(
                tx,
                id="bench",
                title="bench",
                state="idle",
                model="demo/demo",
                permissions={},
                author_id=person.id,
                author=person.name,
                created_at=now,
                updated_at=now,
                pending={},
            )
        apps = Apps(settings, rights, _Streams(address))
        view = await apps.view(person, "bench", "5173")
        origin = urlsplit(view.link)
        assert apps.origins is not None
        place = apps.origins.address_of(f"{origin.scheme}://{origin.netloc}")
        assert place is not None
        value = apps.passes.write(apps.passes.issue(person.sign_in or "", place))

        async def started() -> None:
            told = {
                "port": settings.port,
                "Host": origin.netloc,
                "Origin": f"{origin.scheme}://{origin.netloc}",
                "Cookie": f"{apps.origins.cookie_of(place) if apps.origins else ''}={value}",
            }
            print(json.dumps(told))

        async def no_hub(*_: object) -> None:
            raise RuntimeError("only apps are asked here")

        server = Server(
            Gateway(apps, no_hub),
            websockets=websockets_through(apps),
            closing=asyncio.Event(),
            started=started,
        )
        await server.serve([listening])
        watching.cancel()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["app"]:
            asyncio.run(_app())
        case ["hub", address]:
            uvloop.run(_hub(address))
        case _:
            print(json.dumps(measure(), indent=2))
