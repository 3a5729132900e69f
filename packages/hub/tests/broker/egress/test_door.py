"""The door over real sockets: uvicorn, a WebSocket client, and a server to reach."""

import asyncio
import contextlib
import ipaddress
import json
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed

from bunkhouse.broker.egress import EgressDoor, Policy
from bunkhouse.broker.egress.carrying import EOF, RESET_CODE
from bunkhouse.broker.egress.door import NOTES_AT_ONCE
from bunkhouse.broker.egress.policy import Address
from bunkhouse.errors import BunkhouseError

from ..serving import Server

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
PAIR = 2


@dataclass
class Hub:
    """The door on a socket, with what was noted, and names that resolve as the test says."""

    path: str
    policy: Policy
    dns: dict[str, list[str]]
    noted: list[tuple[str, int, str, str]] = field(default_factory=list[tuple[str, int, str, str]])
    lookups: int = 0

    def connect(self, host: str, port: int | str) -> Any:
        url = f"ws://hub/egress?host={host}&port={port}"
        return unix_connect(self.path, url, compression=None, ping_interval=None, close_timeout=0.1)

    async def verdict(self, host: str, port: int | str) -> dict[str, Any]:
        async with self.connect(host, port) as stream:
            return json.loads(await stream.recv())

    async def resolve(self, name: str) -> list[Address]:
        self.lookups += 1
        if name not in self.dns:
            raise socket.gaierror
        return [ipaddress.ip_address(address) for address in self.dns[name]]

    async def note(self, session_id: str, host: str, port: int, protocol: str, reason: str) -> None:
        assert session_id == "s1"
        self.noted.append((host, port, protocol, reason))


@contextlib.asynccontextmanager
async def serving(folder: Path, policy: Policy, dns: dict[str, list[str]]) -> AsyncGenerator[Hub]:
    hub = Hub(str(folder / "hub.sock"), policy, dns)
    door = EgressDoor(connections=PAIR, resolve=hub.resolve)

    async def egress(websocket: WebSocket) -> None:
        await door.egress(websocket, "s1", hub.policy, hub.note)

    async def refused(request: Request) -> Response:
        try:
            return await door.refused(request, "s1", hub.note)
        except BunkhouseError as error:
            return JSONResponse({"message": error.message}, error.status)

    app = Starlette(
        routes=[WebSocketRoute("/egress", egress), Route("/refused", refused, methods=["POST"])]
    )
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(hub.path)
    listening.listen()
    config = uvicorn.Config(
        app, log_level="warning", ws_ping_interval=None, timeout_graceful_shutdown=1
    )
    server = Server(config)
    task = asyncio.create_task(server.serve([listening]))
    try:
        yield hub
    finally:
        server.should_exit = True
        await task


@contextlib.asynccontextmanager
async def upstream(serve: Serve) -> AsyncGenerator[int]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers once all has been said."""
    writer.write(await reader.read())
    writer.close()


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncGenerator[Hub]:
    policy = Policy("allowlist", ["local.test", "gone.test", "*.pattern.test"])
    dns = {"local.test": ["127.0.0.1"], "a.pattern.test": ["127.0.0.1"]}
    async with serving(tmp_path, policy, dns) as hub:
        yield hub


async def read_all(stream: ClientConnection) -> bytes:
    got = bytearray()
    while (message := await stream.recv()) != EOF:
        assert isinstance(message, bytes)
        got += message
    return bytes(got)


async def test_bytes_both_ways_with_half_close(hub: Hub) -> None:
    data = os.urandom(1024 * 1024)
    async with upstream(echo) as port, hub.connect("local.test", port) as stream:
        assert json.loads(await stream.recv()) == {"ok": True}
        for at in range(0, len(data), 65536):
            await stream.send(data[at : at + 65536])
        await stream.send(EOF)
        assert await read_all(stream) == data
        await stream.wait_closed()
        assert stream.close_code == 1000
    assert hub.noted == []


async def test_refusals_say_why_and_are_noted(hub: Hub) -> None:
    verdict = await hub.verdict("example.com", 443)
    assert verdict["ok"] is False
    assert verdict["code"] == "egress_refused"
    assert verdict["reason"] == "example.com is not on this installation's list."
    assert "BUNKHOUSE_EGRESS_ALLOW" in verdict["remedy"]
    assert hub.noted == [("example.com", 443, "tcp", f"{verdict['reason']} {verdict['remedy']}")]
    assert hub.lookups == 0


async def test_name_that_turns_to_the_hub_itself_is_refused(hub: Hub) -> None:
    async with upstream(echo) as port:
        verdict = await hub.verdict("a.pattern.test", port)
        assert verdict["code"] == "egress_refused"
        assert "127.0.0.1" in verdict["reason"]
        hub.policy = Policy("open")
        assert (await hub.verdict("local.test", port))["code"] == "egress_refused"
    assert [note[0] for note in hub.noted] == ["a.pattern.test", "local.test"]


async def test_only_admitted_addresses_are_dialled_and_looked_up_once(hub: Hub) -> None:
    """A second look could give another answer than the one that was judged."""
    hub.dns["local.test"] = ["169.254.169.254", "127.0.0.1"]
    async with upstream(echo) as port:
        assert await hub.verdict("local.test", port) == {"ok": True}
    assert hub.lookups == 1


async def test_dead_address_does_not_hold_up_the_next(hub: Hub) -> None:
    hub.dns["local.test"] = ["::1", "127.0.0.2", "127.0.0.1"]
    async with upstream(echo) as port:
        assert await hub.verdict("local.test", port) == {"ok": True}


@pytest.mark.parametrize(
    ("host", "port", "code", "words"),
    [
        ("gone.test", 80, "upstream_failed", "no host named gone.test"),
        ("local.test", 1, "upstream_failed", "port 1 failed"),
        ("local.test", "x", "invalid_input", "not a port"),
        ("a%20b", 80, "invalid_input", "not the name of a host"),
    ],
)
async def test_what_fails_is_no_refusal(
    hub: Hub, host: str, port: int | str, code: str, words: str
) -> None:
    verdict = await hub.verdict(host, port)
    assert (verdict["ok"], verdict["code"]) == (False, code)
    assert words in verdict["reason"]
    assert hub.noted == []


async def test_upstream_that_breaks_off_is_passed_on_as_such(hub: Hub) -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        linger = b"\1\0\0\0\0\0\0\0"
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    async with upstream(break_off) as port, hub.connect("local.test", port) as stream:
        await stream.recv()
        await stream.send(b"x")
        with pytest.raises(ConnectionClosed):
            await stream.recv()
        assert stream.close_code == RESET_CODE


async def test_sandbox_that_goes_away_is_passed_on_even_after_half_close(hub: Hub) -> None:
    broken = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        try:
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        except ConnectionError:
            broken.set()

    async with upstream(listen) as port, hub.connect("local.test", port) as stream:
        await stream.recv()
        await stream.send(EOF)
        await stream.recv()
        stream.transport.abort()
        async with asyncio.timeout(60):
            await broken.wait()


async def test_slow_reader_holds_up_the_far_side(hub: Hub) -> None:
    sent = 0
    stalled = asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while True:
            writer.write(bytes(65536))
            try:
                await asyncio.wait_for(writer.drain(), 0.5)
            except TimeoutError:
                stalled.set()
                return
            except ConnectionError:
                return
            sent += 65536

    async with upstream(flood) as port, hub.connect("local.test", port) as stream:
        await stream.recv()
        async with asyncio.timeout(20):
            await stalled.wait()
        assert sent < 64 * 1024 * 1024


async def test_connections_of_a_sandbox_are_bounded(hub: Hub) -> None:
    async with upstream(echo) as port, contextlib.AsyncExitStack() as stack:
        streams: list[ClientConnection] = []
        for _ in range(PAIR):
            stream = await stack.enter_async_context(hub.connect("local.test", port))
            assert json.loads(await stream.recv()) == {"ok": True}
            streams.append(stream)
        verdict = await hub.verdict("local.test", port)
        assert verdict["code"] == "egress_connections"
        assert hub.noted[0][3].startswith("This sandbox has 2 connections open")


async def test_a_session_s_log_is_not_flooded(hub: Hub) -> None:
    for number in range(NOTES_AT_ONCE + 20):
        await hub.verdict(f"n{number}.test", 443)
    assert NOTES_AT_ONCE <= len(hub.noted) < NOTES_AT_ONCE + 20


async def test_reports_of_the_sandbox_s_own_rules(hub: Hub) -> None:
    transport = httpx2.AsyncHTTPTransport(uds=hub.path)
    good = {"host": "8.8.8.8", "port": 123, "protocol": "udp", "reason": "no UDP"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://hub") as client:
        assert (await client.post("/refused", json=good)).status_code == 204
        for bad in (
            {},
            good | {"port": 99999},
            good | {"host": "a\nb"},
            good | {"reason": "\x1b["},
        ):
            assert (await client.post("/refused", json=bad)).status_code == 422
        assert (await client.post("/refused", content=b"x" * 5000)).status_code == 413
    assert hub.noted == [("8.8.8.8", 123, "udp", "no UDP")]
