"""A sandbox to ask: a gateway and a socket for streams that speak as the runner does."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bunkhouse_protocol.gateway import CLOSE_NO_TERMINAL

from .broker.serving import Server

SECONDS = 90


@dataclass
class FakeSandbox:
    """What it is asked, and what it answers; echoes what comes by streams and terminals."""

    gateway: Path
    streams: Path
    asked: list[tuple[str, str, Any]] = field(default_factory=list[tuple[str, str, Any]])
    running: set[str] = field(default_factory=set[str])
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    terminals: list[str] = field(default_factory=list[str])
    title: str = "bash"
    """What runs in its terminals."""
    handover: dict[str, Any] | None = None
    refusal: dict[str, Any] | None = None
    refused_streams: dict[str, str] = field(default_factory=dict[str, str])
    heard: list[str | bytes] = field(default_factory=list[str | bytes])
    """What came by programs, terminals and streams."""
    _something: asyncio.Event = field(default_factory=asyncio.Event)

    async def heard_all(self, said: list[str | bytes]) -> None:
        """Wait until all of this has come, in whatever pieces."""
        while _joined(said) != _joined(self.heard):
            self._something.clear()
            await self._something.wait()

    def hear(self, said: str | bytes) -> None:
        self.heard.append(said)
        self._something.set()

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        said = json.loads(body) if body else None
        self.asked.append((request.method, request.url.path, said))
        if self.refusal is not None:
            return JSONResponse(self.refusal, 503)
        path = request.url.path
        if path == "/settings/editor":
            return JSONResponse({"settings": self.settings})
        if path == "/handover":
            return JSONResponse(self.handover, 200 if self.handover else 404)
        if path == "/setup":
            return Response(status_code=204)
        if path.startswith("/services"):
            return self._services(request.method, path.removeprefix("/services").strip("/"))
        return self._terminals(request.method, path.removeprefix("/terminals").strip("/"))

    def _services(self, method: str, name: str) -> Response:
        if method == "POST":
            self.running.add(name)
            return JSONResponse(self._status(name))
        if method == "DELETE":
            self.running.discard(name)
            return Response(status_code=204)
        found = [self._status(name) for name in ("editor", "desktop")]
        ports = [{"port": 5173, "process": "node"}]
        return JSONResponse({"services": found, "ports": ports, "agent_memory": 7})

    def _status(self, name: str) -> dict[str, Any]:
        return {"name": name, "state": "ready" if name in self.running else "stopped"}

    def _terminals(self, method: str, name: str) -> Response:
        if method == "POST":
            self.terminals.append(f"t{len(self.terminals)}")
            return JSONResponse({"id": self.terminals[-1], "title": "bash"})
        if method == "DELETE":
            if name not in self.terminals:
                return JSONResponse({"message": "no"}, 404)
            self.terminals.remove(name)
            return Response(status_code=204)
        found = [{"id": each, "title": self.title} for each in self.terminals]
        return JSONResponse({"terminals": found})

    async def attach(self, websocket: WebSocket) -> None:
        await websocket.accept()
        if websocket.path_params["id"] not in self.terminals:
            await websocket.close(CLOSE_NO_TERMINAL)
            return
        await websocket.send_bytes(f"before {websocket.url.query}".encode())
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                message = await websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                self.hear(message.get("text") or message["bytes"])
                if message.get("text"):
                    await websocket.send_bytes(f"size {message['text']}".encode())
                elif message["bytes"] == b"exit\r":
                    await websocket.close(1000)
                    return
                else:
                    await websocket.send_bytes(message["bytes"])

    async def execute(self, websocket: WebSocket) -> None:
        await websocket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                message = await websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                self.hear(message.get("text") or message["bytes"])

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readline()).decode().strip()
        refused = self.refused_streams.get(target)
        if target == "desktop" and "desktop" not in self.running:
            refused = "not_running the desktop is stopped"
        if refused is None:
            writer.write(b"ok\n" + f"{target}:".encode())
            while data := await reader.read(65536):
                self.hear(data)
                writer.write(data)
                await writer.drain()
        else:
            writer.write(f"refused {refused}\n".encode())
        writer.close()


def _joined(said: list[str | bytes]) -> bytes:
    """As the sandbox gets it: what is asked for a program is written anew by the hub."""
    parts = [each.encode() if isinstance(each, str) else each for each in said]
    return b"".join(b"{argv}" if b'"argv"' in part else part for part in parts)


@contextlib.asynccontextmanager
async def fake_sandbox(folder: Path) -> AsyncGenerator[FakeSandbox]:
    """Listen at `gateway.sock` and `streams.sock` of a folder."""
    sandbox = FakeSandbox(folder / "gateway.sock", folder / "streams.sock")
    methods = ["GET", "POST", "DELETE"]
    app = Starlette(
        routes=[
            WebSocketRoute("/terminals/{id}/attach", sandbox.attach),
            WebSocketRoute("/exec", sandbox.execute),
            Route("/{path:path}", sandbox.answer, methods=methods),
        ]
    )
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(sandbox.gateway))
    listening.listen()
    config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    streams = await asyncio.start_unix_server(sandbox.stream, str(sandbox.streams))
    try:
        yield sandbox
    finally:
        streams.close()
        server.should_exit = True
        await serving
