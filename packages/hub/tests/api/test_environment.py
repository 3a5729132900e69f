"""Services, terminals, desktop, views and driving over the API, with a sandbox that answers."""

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import websockets
from websockets.typing import Subprotocol

from bunkhouse.api.access import COOKIE
from bunkhouse.sessions import NewSession
from bunkhouse_protocol.events import DriveStarted, TurnEnded, TurnStarted
from bunkhouse_protocol.gateway import CLOSE_NO_TERMINAL

from ..sandbox import SECONDS, FakeSandbox, fake_sandbox
from ..sessions.runner import Runner
from .house import House


class Place:
    """A session and its sandbox."""

    def __init__(self, house: House, session_id: str, sandbox: FakeSandbox) -> None:
        self.house, self.id, self.sandbox = house, session_id, sandbox
        self.path = f"/api/sessions/{session_id}"

    def socket(
        self, path: str, subprotocols: list[Subprotocol] | None = None
    ) -> websockets.connect:
        return websockets.connect(
            f"{self.house.url.replace('http', 'ws')}{self.path}{path}",
            additional_headers={"Authorization": f"Bearer {self.house.token}"},
            subprotocols=subprotocols,
            proxy=None,
            max_size=None,
        )


@pytest.fixture
async def place(house: House, short_path: Path) -> AsyncGenerator[Place]:
    view = await house.sessions.create(NewSession(prompt="first"), house.admin)
    folder = short_path / "sandbox"
    folder.mkdir()
    async with fake_sandbox(folder) as sandbox:
        house.sessions.gateways[view.id] = sandbox.gateway
        house.sessions.streams[view.id] = sandbox.streams
        yield Place(house, view.id, sandbox)


async def test_services_from_stopped_to_ready_and_back(place: Place) -> None:
    async with place.house.program() as client:
        listed = (await client.get(f"{place.path}/services")).json()
        assert [(each["name"], each["state"]) for each in listed["services"]] == [
            ("editor", "stopped"),
            ("desktop", "stopped"),
        ]
        assert (listed["ports"], listed["agent_memory"], listed["drive"]) == (
            [{"port": 5173, "process": "node"}],
            7,
            None,
        )
        started = await client.post(f"{place.path}/services/editor")
        assert (started.status_code, started.json()["state"]) == (200, "ready")
        asked: dict[str, object] = {"settings": {}, "gallery": True}
        assert ("POST", "/services/editor", asked) in place.sandbox.asked
        assert (await client.delete(f"{place.path}/services/editor")).status_code == 204
        assert place.sandbox.running == set()
        assert (await client.post(f"{place.path}/services/nonsense")).status_code == 422


async def test_what_the_sandbox_refuses_is_said(place: Place) -> None:
    place.sandbox.refusal = {"code": "x", "message": "The editor fell over.", "remedy": "Sit up."}
    async with place.house.program() as client:
        answer = await client.post(f"{place.path}/services/editor")
    assert answer.status_code == 502
    problem = answer.json()
    assert (problem["detail"], problem["remedy"]) == ("The editor fell over.", "Sit up.")
    assert problem["code"] == "service_failed"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/services"),
        ("POST", "/services/desktop"),
        ("DELETE", "/services/editor"),
        ("GET", "/terminals"),
        ("POST", "/terminals"),
        ("DELETE", "/terminals/t0"),
        ("POST", "/drive"),
    ],
)
async def test_without_a_sandbox(house: House, method: str, path: str) -> None:
    view = await house.sessions.create(NewSession(), house.admin)
    async with house.program() as client:
        answer = await client.request(method, f"/api/sessions/{view.id}{path}")
        assert (answer.status_code, answer.json()["code"]) == (409, "sandbox_not_running")
        missing = await client.request(method, f"/api/sessions/none{path}")
        assert missing.status_code == 404


async def test_terminals_are_opened_attached_and_ended(place: Place) -> None:
    async with place.house.program() as client:
        opened = await client.post(f"{place.path}/terminals")
        assert (opened.status_code, opened.json()["id"]) == (201, "t0")
        listed = (await client.get(f"{place.path}/terminals")).json()["terminals"]
        assert [each["id"] for each in listed] == ["t0"]
        async with asyncio.timeout(SECONDS), place.socket("/terminals/t0?rows=30&cols=90") as ws:
            assert await ws.recv() == b"before rows=30&cols=90"
            await ws.send(b"\x03\xff")
            assert await ws.recv() == b"\x03\xff"
            await ws.send(json.dumps({"rows": 5, "cols": 6}))
            assert await ws.recv() == b'size {"rows": 5, "cols": 6}'
            await ws.send(b"exit\r")
            with pytest.raises(websockets.ConnectionClosedOK):
                await ws.recv()
        assert (await client.delete(f"{place.path}/terminals/t0")).status_code == 204
        assert (await client.delete(f"{place.path}/terminals/t0")).status_code == 404
    async with asyncio.timeout(SECONDS), place.socket("/terminals/t0") as ws:
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            await ws.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == CLOSE_NO_TERMINAL


@pytest.mark.parametrize("path", ["/terminals/..%2Fx", "/terminals/t0?rows=0", "/terminals/a%20b"])
async def test_terminals_that_can_not_be(place: Place, path: str) -> None:
    with pytest.raises((websockets.InvalidStatus, websockets.ConnectionClosed)):
        async with place.socket(path) as ws:
            await ws.recv()
    assert place.sandbox.asked == []


async def test_the_desktop_starts_when_it_is_looked_at(place: Place) -> None:
    frame = bytes(range(256)) * 256
    async with asyncio.timeout(SECONDS):
        async with place.socket("/desktop", [Subprotocol("binary")]) as ws:
            assert place.sandbox.running == {"desktop"}
            assert ws.subprotocol == "binary"
            assert await ws.recv() == b"desktop:"
            sent = 200

            async def send() -> None:
                for _ in range(sent):
                    await ws.send(frame)

            sending = asyncio.create_task(send())
            received = b""
            while len(received) < sent * len(frame):
                received += bytes(await ws.recv(decode=False))
            await sending
            assert received == frame * sent


async def test_without_a_token_nobody_looks(place: Place) -> None:
    address = f"{place.house.url.replace('http', 'ws')}{place.path}"
    for path in ("/desktop", "/terminals/t0"):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(address + path, proxy=None)
        assert refused.value.response.status_code == 401
    assert place.sandbox.asked == []


async def test_a_page_of_another_site_does_not_look(place: Place) -> None:
    house = place.house
    secret = (await house.people.use_link(await house.people.sign_in_link())).secret
    address = f"{house.url.replace('http', 'ws')}{place.path}"
    place.sandbox.terminals.append("t0")
    for path in ("/desktop", "/terminals/t0"):
        for origin in (f"http://editor--{place.id}.localhost:1", "null"):
            headers = {"Cookie": f"{COOKIE}={secret}", "Origin": origin}
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(address + path, additional_headers=headers, proxy=None)
            assert refused.value.response.status_code == 403
    assert place.sandbox.asked == []
    headers = {"Cookie": f"{COOKIE}={secret}", "Origin": house.url}
    async with (
        asyncio.timeout(SECONDS),
        websockets.connect(f"{address}/terminals/t0", additional_headers=headers, proxy=None) as ws,
    ):
        assert await ws.recv() == b"before rows=24&cols=80"


async def test_views(place: Place) -> None:
    async with place.house.program() as client:
        seen = await client.post(f"{place.path}/views", json={"app": "5173", "path": "/a?b=c"})
        assert seen.json() == {
            "url": f"http://5173--{place.id}.localhost:8787/a?b=c?ticket={place.house.admin.id}",
            "link": f"http://5173--{place.id}.localhost:8787/a?b=c",
            "mode": "name",
            "notice": None,
        }
        for app, path in (("x", "/"), ("05173", "/"), ("5173", "//x".lstrip("/")), ("1-2", "/")):
            wrong = await client.post(f"{place.path}/views", json={"app": app, "path": path})
            assert wrong.status_code == 422
        missing = await client.post("/api/sessions/none/views", json={"app": "editor"})
        assert missing.status_code == 404


async def test_driving(place: Place) -> None:
    house = place.house
    runner = Runner(house.room, place.id)
    await runner.start()
    place.sandbox.handover = {"files": [], "diff": "", "commands": []}
    async with house.program() as client:
        asked = await client.post(f"{place.path}/drive")
        assert asked.status_code == 202
        driver = asked.json()["driver"]
        assert (driver["id"], driver["name"], driver["state"]) == (
            house.admin.id,
            house.admin.name,
            "requested",
        )
        log = await house.sessions.events(place.id)
        turn = next(event.turn_id for event in log if isinstance(event, TurnStarted))
        await runner.say(TurnEnded(turn_id=turn, outcome="paused"), DriveStarted(snapshot="s"))
        listed = (await client.get(f"{place.path}/services")).json()
        assert listed["drive"]["state"] == "driving"
        prompt = (await client.post(f"{place.path}/prompts", json={"text": "next"})).json()
        assert (prompt["state"], prompt["kind"]) == ("queued", "prompt")
        assert "hand back" in prompt["notice"]
        back = (await client.post(f"{place.path}/hand-back", json={"note": "Done."})).json()
        assert (back["driver"], back["state"]) == (None, "working")
        again = await client.post(f"{place.path}/hand-back", json={})
        assert (again.status_code, again.json()["code"]) == (409, "not_driven")
        await client.post(f"{place.path}/drive")
        given_up = await client.request("DELETE", f"{place.path}/drive")
        assert (given_up.status_code, given_up.json()["driver"]) == (202, None)
