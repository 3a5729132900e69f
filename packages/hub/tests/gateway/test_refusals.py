"""Who is refused at an app's origin: the table. Nothing refused reaches the sandbox."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

import httpx2
import pytest
import websockets

from bunkhouse.api.access import COOKIE
from bunkhouse.errors import NotFound, RoleNeeded
from bunkhouse.gateway.origins import Address
from bunkhouse.gateway.passes import Passes
from bunkhouse.store import sessions

from .ground import OTHER, PATIENCE, SESSION, Ground, hub_cookie, telling

FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
IMAGE = {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
FRAME = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
TAB = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
CROSS = {"Sec-Fetch-Site": "cross-site"}
SIBLING = {"Sec-Fetch-Site": "same-site"}
EVIL = {"Origin": "https://evil.example"}


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 200),
        ("GET", {"Sec-Fetch-Site": "same-origin", **FETCH}, 200),
        ("GET", {"Sec-Fetch-Site": "none", **TAB}, 200),
        ("GET", {**CROSS, **TAB}, 200),
        ("GET", {**CROSS, **FRAME}, 200),
        ("POST", {"Origin": "{own}"}, 200),
        ("POST", {"Origin": "{port}", **CROSS, **FETCH}, 200),  # another port of the session
        ("GET", {"Referer": "{port}/page", **CROSS, **IMAGE}, 200),
        ("GET", {**CROSS, **FETCH, **EVIL}, 403),
        ("GET", {**CROSS, **IMAGE}, 403),
        ("GET", {**SIBLING, **IMAGE}, 403),
        ("GET", {"Referer": "https://evil.example/", **CROSS, **IMAGE}, 403),
        ("GET", EVIL, 403),
        ("GET", {"Origin": "null"}, 403),
        ("POST", {}, 403),
        ("POST", EVIL, 403),
        ("POST", {**CROSS, **TAB, **EVIL}, 403),  # a form of another site
        ("POST", {"Origin": "{hub}"}, 403),
        ("POST", {"Origin": "{other}", **CROSS, **FETCH}, 403),  # another session
        ("GET", {"Origin": "{other}", **CROSS, **FETCH}, 403),
    ],
)
async def test_what_pages_can_make_a_browser_send(
    place: Ground, method: str, headers: dict[str, str], status: int
) -> None:
    heard: list[bytes] = []
    await place.serve(telling(heard))
    names = {
        "own": place.origin(),
        "port": place.origin("8000"),
        "hub": place.hub,
        "other": place.origin(session=OTHER),
    }
    sent = {name: value.format(**names) for name, value in headers.items()}
    answer = await place.ask(method=method, headers=sent)
    assert answer.status_code == status, answer.text
    assert len(heard) == (1 if status == 200 else 0)


@pytest.mark.parametrize(
    "whose", ["nobody", "other app", "other session", "expired", "forged", "hub", "garbage"]
)
async def test_whose_cookie(place: Ground, whose: str) -> None:
    heard: list[bytes] = []
    await place.serve(telling(heard))
    name, _, value = (await place.cookie()).partition("=")
    sign_in = place.person.sign_in or ""
    address = Address(SESSION, "5173")
    old = Passes(place.apps.passes._key, seconds=-1)  # pyright: ignore[reportPrivateUsage] - the hub's own, earlier
    cookie = {
        "nobody": "",
        "other app": await place.cookie("8000"),
        "other session": await place.cookie(session=OTHER),
        "expired": f"{name}={old.write(old.issue(sign_in, address))}",
        "forged": f"{name}={Passes(b'x' * 32, seconds=60).write(old.issue(sign_in, address))}",
        "hub": hub_cookie(place),
        "garbage": f"{name}=.{value[::-1]}|",
    }[whose]
    answer = await place.ask(cookie=cookie or "a=b")
    assert (answer.status_code, answer.json()["code"]) == (401, "expired")
    assert answer.headers["content-type"] == "application/problem+json"
    assert heard == []


@pytest.mark.parametrize(
    "host",
    [
        "5173--{s}.bunkhouse.LOCALHOST:{p}",
        "5173--{S}.bunkhouse.localhost:{p}",
        "5173--{s}.bunkhouse.localhost.:{p}",
        "5173--{s}.bunkhouse.localhost:1",
        "5173--{s}.bunkhouse.localhost:",
        "me@5173--{s}.bunkhouse.localhost:{p}",
        "05173--{s}.bunkhouse.localhost:{p}",
        "0--{s}.bunkhouse.localhost:{p}",
        "65536--{s}.bunkhouse.localhost:{p}",
        "9222--{s}.bunkhouse.localhost:{p}",  # the browser's remote debugging
        "4096--{s}.bunkhouse.localhost:{p}",
        "desktop--{s}.bunkhouse.localhost:{p}",
        "Editor--{s}.bunkhouse.localhost:{p}",
        "{s}.bunkhouse.localhost:{p}",
        "a.5173--{s}.bunkhouse.localhost:{p}",
        "5173--{s}.evil.bunkhouse.localhost:{p}",
        "xn--5173--{s}.bunkhouse.localhost:{p}",
        ".bunkhouse.localhost:{p}",
    ],
)
async def test_hosts_that_are_nobodys(place: Ground, host: str) -> None:
    heard: list[bytes] = []
    await place.serve(telling(heard))
    cookie = await place.cookie()
    name = host.format(s=SESSION, S=SESSION.upper(), p=place.port)
    answer = await place.raw(
        f"GET /api/me HTTP/1.1\r\nHost: {name}\r\nCookie: {cookie}; {hub_cookie(place)}\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    assert answer.split(b" ")[1] == b"421", answer
    assert heard == []


@pytest.mark.parametrize(
    "request_",
    [
        "GET http://{o}/ HTTP/1.1\r\nHost: {h}\r\n{c}\r\n",
        "POST / HTTP/1.1\r\nHost: {h}\r\n{c}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"
        "\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: {h}\r\n{c}Content-Length: 4\r\nContent-Length: 5\r\n\r\naaaa",
        "POST / HTTP/1.1\r\nHost: {h}\r\n{c}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: {h}\r\n{c}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {h}\r\nHost: {o}\r\n{c}\r\n",
        "GET / HTTP/1.1\r\nHost: {h}\r\n{c}X: a\r\n b\x00\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: {h}\r\n{c}\r\n",
    ],
)
async def test_requests_that_can_be_read_in_two_ways(place: Ground, request_: str) -> None:
    heard: list[bytes] = []
    await place.serve(telling(heard))
    cookie = f"Cookie: {await place.cookie()}\r\nOrigin: {place.origin()}\r\n"
    hosts = {
        "h": urlsplit(place.origin()).netloc,
        "o": urlsplit(place.origin(session=OTHER)).netloc,
    }
    cookie += "Connection: close\r\n"
    answer = await place.raw(request_.format(c=cookie, **hosts).encode())
    assert answer.split(b" ")[1] in (b"400", b"422", b"501"), answer
    assert heard == []


async def test_a_ticket_is_good_once_and_for_one_app(place: Ground) -> None:
    await place.serve(telling([]))
    view = await place.apps.view(place.person, SESSION, "5173", "/page?q=1")
    parts = urlsplit(view.url)
    path = f"{parts.path}?{parts.query}"
    other = await place.ask(path, session=OTHER, cookie="a=b")
    assert "set-cookie" not in other.headers
    view = await place.apps.view(place.person, SESSION, "5173", "/page?q=1")
    parts = urlsplit(view.url)
    path = f"{parts.path}?{parts.query}"
    first = await place.ask(path, cookie="a=b")
    assert first.status_code == 303
    assert first.headers["location"] == f"{place.origin()}/page?q=1"
    assert first.headers["set-cookie"].startswith("__Host-bunkhouse-app=")
    for attribute in ("HttpOnly", "Path=/", "Secure", "SameSite=None", "Partitioned"):
        assert attribute in first.headers["set-cookie"]
    again = await place.ask(path, cookie="a=b")
    assert "set-cookie" not in again.headers


async def test_signing_out_ends_what_is_open(place: Ground) -> None:
    async def echo(websocket: websockets.ServerConnection) -> None:
        async for message in websocket:
            await websocket.send(message)

    cookie = await place.cookie()
    async with websockets.serve(echo, "127.0.0.1", 0) as server:
        place.sandboxes.servers[SESSION, "5173"] = next(iter(server.sockets)).getsockname()[1]
        connection = await dial(place, cookie, place.origin())
        await connection.send("hello")
        assert await connection.recv() == "hello"
        await place.people.sign_out(place.signed_in.secret)
        async with asyncio.timeout(PATIENCE):
            await connection.wait_closed()
    assert (await place.ask(cookie=cookie)).status_code == 401


async def of_a_guest(place: Ground) -> tuple[str, str]:
    """A driver of the session who is none of its owners: their id, and their cookie there."""
    signed_in = await place.people.use_link(await place.people.sign_in_link("member"))
    guest = await place.people.by_cookie(signed_in.secret)
    assert guest is not None
    with pytest.raises(NotFound):
        await place.apps.view(guest, SESSION, "5173")
    await place.participants.put(SESSION, guest.id, "commenter", place.person)
    with pytest.raises(RoleNeeded):
        await place.apps.view(guest, SESSION, "5173")
    await place.participants.put(SESSION, guest.id, "driver", place.person)
    return guest.id, await place.cookie(person=guest)


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), (None, 404)])
async def test_a_pass_is_worth_nothing_to_who_may_no_longer(
    place: Ground, role: Literal["viewer"] | None, status: int
) -> None:
    heard: list[bytes] = []
    await place.serve(telling(heard))
    guest, cookie = await of_a_guest(place)
    assert (await place.ask(cookie=cookie)).status_code == 200
    if role is None:
        await place.participants.remove(SESSION, guest, place.person)
    else:
        await place.participants.put(SESSION, guest, role, place.person)
    assert (await place.ask(cookie=cookie)).status_code == status
    assert len(heard) == 1


async def test_a_tunnel_ends_when_a_role_does(place: Ground) -> None:
    async def echo(websocket: websockets.ServerConnection) -> None:
        async for message in websocket:
            await websocket.send(message)

    guest, cookie = await of_a_guest(place)
    async with websockets.serve(echo, "127.0.0.1", 0) as server:
        place.sandboxes.servers[SESSION, "5173"] = next(iter(server.sockets)).getsockname()[1]
        theirs = await dial(place, cookie, place.origin())
        owners = await dial(place, await place.cookie(), place.origin())
        await theirs.send("hello")
        assert await theirs.recv() == "hello"
        await place.participants.put(SESSION, guest, "viewer", place.person)
        async with asyncio.timeout(PATIENCE):
            await theirs.wait_closed()
            await owners.send("still here")
            assert await owners.recv() == "still here"
        await owners.close()


async def test_a_download_ends_when_a_role_does(place: Ground) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n")
        await reader.read()

    await place.serve(endless)
    guest, cookie = await of_a_guest(place)
    host = urlsplit(place.origin()).netloc
    async with asyncio.timeout(PATIENCE), place.client() as client:
        url = f"http://127.0.0.1:{place.port}/"
        async with client.stream("GET", url, headers={"Host": host, "Cookie": cookie}) as answer:
            assert answer.status_code == 200
            await place.participants.remove(SESSION, guest, place.person)
            with suppress(httpx2.HTTPError):
                assert b"".join([piece async for piece in answer.aiter_bytes()]) == b"data: 1\n\n"


async def test_a_shared_link_tells_a_stranger_nothing(place: Ground) -> None:
    stranger = await place.people.use_link(await place.people.sign_in_link("member"))
    headers = {"Cookie": f"{COOKIE}={stranger.secret}"}
    told: list[str] = []
    async with place.client() as client:
        for session in (SESSION, "zzzz"):
            answer = await client.get(
                f"http://127.0.0.1:{place.port}/enter",
                params={"to": place.origin(session=session)},
                headers=headers,
            )
            assert answer.status_code == 422
            told.append(answer.text)
    assert told[0] == told[1]


async def test_a_deleted_session_is_gone(place: Ground) -> None:
    await place.serve(telling([]))
    cookie = await place.cookie()
    async with place.database.write() as tx:
        await sessions.change(tx, SESSION, deleted_at=datetime.now(UTC))
    assert (await place.ask(cookie=cookie)).status_code == 404


@pytest.mark.parametrize(
    ("origin", "status"),
    [("{own}", 101), ("{port}", 101), ("{other}", 403), ("{hub}", 403), ("null", 403), (None, 403)],
)
async def test_websockets_ask_for_the_origin(
    place: Ground, origin: str | None, status: int
) -> None:
    async def greet(websocket: websockets.ServerConnection) -> None:
        await websocket.send("hello")

    names = {
        "own": place.origin(),
        "port": place.origin("8000"),
        "hub": place.hub,
        "other": place.origin(session=OTHER),
    }
    cookie = await place.cookie()
    async with websockets.serve(greet, "127.0.0.1", 0) as server:
        place.sandboxes.servers[SESSION, "5173"] = next(iter(server.sockets)).getsockname()[1]
        if status == 101:
            connection = await dial(place, cookie, (origin or "").format(**names))
            assert await connection.recv() == "hello"
            await connection.close()
            return
        with pytest.raises(websockets.InvalidStatus) as refused:
            await dial(place, cookie, origin.format(**names) if origin else None)
        assert refused.value.response.status_code == status
        with pytest.raises(websockets.InvalidStatus) as refused:
            await dial(place, "a=b", place.origin())
        assert refused.value.response.status_code == 401


async def test_the_hubs_api_refuses_a_sandboxs_page(place: Ground) -> None:
    async with place.client() as client:
        for headers, status in (
            ({}, 200),
            ({"Origin": place.origin()}, 403),
            ({"Sec-Fetch-Site": "same-site", **FETCH}, 403),
        ):
            sent = {"Cookie": hub_cookie(place), **headers}
            answer = await client.get(f"http://127.0.0.1:{place.port}/api/me", headers=sent)
            assert answer.status_code == status
            assert "access-control-allow-origin" not in answer.headers


async def dial(place: Ground, cookie: str, origin: str | None) -> websockets.ClientConnection:
    """Open a WebSocket at the app's origin."""
    return await websockets.connect(
        place.origin().replace("http", "ws") + "/socket",
        host="127.0.0.1",
        port=place.port,
        additional_headers={"Cookie": cookie},
        origin=websockets.Origin(origin) if origin else None,
        proxy=None,
        open_timeout=PATIENCE,
    )
