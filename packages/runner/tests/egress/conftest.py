"""A hub with its egress door, a web server to reach, and a sandbox's network to reach it from."""

import asyncio
import ipaddress
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from bunkhouse.broker.egress import EgressDoor, Policy
from bunkhouse.broker.egress.policy import Address

ALLOWED = ("registry.test", "gone.test", "many.test")
BIG = 256 * 1024 * 1024

Refusal = tuple[str, int, str, str]


@dataclass
class FakeHub:
    """The real egress door on a Unix socket, with a resolver and a session of the test's."""

    socket: Path
    port: int
    refused: Queue[Refusal] = field(default_factory=Queue[Refusal])
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def __post_init__(self) -> None:
        policy = Policy("allowlist", ALLOWED)

        async def resolve(name: str) -> list[Address]:
            if name == "gone.test":
                raise socket.gaierror
            return [ipaddress.ip_address("127.0.0.1")]

        async def note(session_id: str, host: str, port: int, protocol: str, reason: str) -> None:
            self.refused.put((host, port, protocol, reason))

        door = EgressDoor(connections=20, resolve=resolve)

        async def egress(websocket: WebSocket) -> None:
            query = websocket.query_params
            self.asked.append((query["host"], query["port"]))
            assert websocket.headers["authorization"] == "Bearer token"
            await door.egress(websocket, "s1", policy, note)

        async def refused(request: Request) -> Response:
            return await door.refused(request, "s1", note)

        app = Starlette(
            routes=[
                WebSocketRoute("/sandbox/egress", egress),
                Route("/sandbox/egress/refused", refused, methods=["POST"]),
            ]
        )
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(self.socket))
        listening.listen()
        config = uvicorn.Config(app, log_level="warning", ws_ping_interval=None)
        self.server = uvicorn.Server(config)
        serve = self.server.serve  # in a thread that is not the first it takes no signals
        self.thread = threading.Thread(target=lambda: asyncio.run(serve([listening])))
        self.thread.start()

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)


class Upstream(BaseHTTPRequestHandler):
    """`/` says hello, `/big` sends BIG bytes, POST counts what it was given."""

    def do_GET(self) -> None:
        self.send_response(200)
        if self.path == "/big":
            self.send_header("Content-Length", str(BIG))
            self.end_headers()
            block = bytes(1024 * 1024)
            for _ in range(BIG // len(block)):
                self.wfile.write(block)
            return
        body = f"hello {self.headers['Host']}".encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        left = int(self.headers["Content-Length"])
        count = 0
        while count < left:
            count += len(self.rfile.read(min(1024 * 1024, left - count)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(count).encode())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@dataclass
class Sandbox:
    """A network namespace under the holder's rules."""

    pid: int
    hub: FakeHub
    port: int
    """Of the web server, on `registry.test`."""

    def run(self, *argv: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a program in it."""
        env = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        return subprocess.run(
            ["nsenter", "--target", str(self.pid), "--net", "--mount", "--", *argv],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=env,
        )

    def python(self, code: str, timeout: float = 60) -> str:
        """Run Python in it; what it printed."""
        done = self.run(sys.executable, "-c", code, timeout=timeout)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def refusal(self, host: str) -> Refusal:
        """The next refusal of `host` that the session was told of; waits for it."""
        while (refusal := self.hub.refused.get(timeout=60))[0] != host:
            pass
        return refusal


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    needed = ("unshare", "nsenter", "ip", "iptables-restore")
    if os.geteuid() != 0 or not all(map(shutil.which, needed)):
        pytest.skip("needs root, iproute2 and iptables")
    if subprocess.run(["unshare", "-n", "true"], check=False).returncode != 0:
        pytest.skip("may not make a network namespace here")
    folder = tmp_path_factory.mktemp("egress")
    resolv = folder / "resolv.conf"
    resolv.touch()
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    upstream.daemon_threads = True
    serving = threading.Thread(target=upstream.serve_forever)
    serving.start()
    hub = FakeHub(folder / "hub.sock", upstream.server_port)
    bound = 'mount --bind "$1" /etc/resolv.conf && exec "$2" "$3" "$4"'
    script = Path(__file__).with_name("inside.py")
    inside = subprocess.Popen(
        [
            *("unshare", "--net", "--mount", "--propagation=private", "sh", "-c", bound),
            *("sh", str(resolv), sys.executable, str(script), str(hub.socket)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert inside.stdin is not None
    assert inside.stdout is not None
    try:
        assert inside.stdout.readline().strip() == "READY"
        yield Sandbox(inside.pid, hub, upstream.server_port)
    finally:
        inside.stdin.close()
        last = inside.stdout.read()
        inside.wait(10)
        hub.close()
        upstream.shutdown()
        serving.join()
        upstream.server_close()
    assert last.splitlines()[-1] == "holder 0"
