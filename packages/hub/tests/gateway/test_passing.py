"""What is passed on, both ways, and how ends are."""

import asyncio
from asyncio import StreamReader, StreamWriter
from urllib.parse import urlsplit

import httpx2
import pytest
import websockets

from .ground import PATIENCE, SESSION, Ground, answering, head, hub_cookie, telling


async def test_what_the_app_gets_to_see(place: Ground) -> None:
    heard: list[bytes] = []
    await place.serve(telling(heard))
    cookie = await place.cookie()
    sent = {
        "Cookie": f"theirs=1; {cookie}; {hub_cookie(place)}; more=2",
        "Origin": place.origin(),
        "Referer": place.origin() + "/a?b",
        "Connection": "x-secret",
        "X-Secret": "1",
        "X-Forwarded-Host": "evil.example",
        "TE": "trailers",
    }
    answer = await place.ask("//a/%2e%2e/b?x=%20y", headers=sent)
    assert answer.text == "ok"
    lines = heard[0].decode().lower().split("\r\n")
    assert lines[0] == "get //a/%2e%2e/b?x=%20y http/1.1"
    assert "host: localhost:5173" in lines
    assert "cookie: theirs=1; more=2" in lines
    assert "origin: http://localhost:5173" in lines
    assert "referer: http://localhost:5173/a?b" in lines
    assert f"x-forwarded-host: {urlsplit(place.origin()).netloc}" in lines
    assert "x-forwarded-proto: http" in lines
    assert "connection: close" in lines
    assert not any(line.startswith(("x-secret", "te:")) or "evil" in line for line in lines)


async def test_the_editor_gets_its_real_host(place: Ground) -> None:
    heard: list[bytes] = []
    await place.serve(telling(heard), "editor")
    await place.ask(app="editor", headers={"Origin": place.origin("editor")})
    lines = heard[0].decode().split("\r\n")
    assert f"host: {urlsplit(place.origin('editor')).netloc}" in lines
    assert f"origin: {place.origin('editor')}" in lines


async def test_what_the_browser_gets_to_see(place: Ground) -> None:
    await place.serve(
        answering(
            "302 Found",
            "Location: http://localhost:5173/next",
            "Set-Cookie: a=1; Domain=localhost; Path=/; SameSite=Lax",
            "Set-Cookie: b=2",
            "Set-Cookie: bunkhouse_session=x",
            "Set-Cookie: __HOST-Bunkhouse-App=x",
            "X-Frame-Options: DENY",
            "Clear-Site-Data: *",
            "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'",
            "Access-Control-Allow-Origin: http://localhost:8000",
            "X-Many: 1",
            "X-Many: 2",
            "Content-Length: 0",
        )
    )
    answer = await place.ask()
    headers = answer.headers
    assert headers["location"] == place.origin() + "/next"
    assert headers.get_list("set-cookie") == [
        "a=1; Path=/; Secure; SameSite=None; Partitioned",
        "b=2; Secure; SameSite=None; Partitioned",
    ]
    assert "x-frame-options" not in headers
    assert "clear-site-data" not in headers
    policies = headers.get_list("content-security-policy")
    assert policies[0] == "default-src 'self'"
    assert policies[1].startswith(f"frame-ancestors 'self' {place.hub} ")
    assert "'none'" not in policies[1]
    assert headers["access-control-allow-origin"] == place.origin("8000")
    assert headers.get_list("x-many") == ["1", "2"]


@pytest.mark.parametrize(
    ("method", "status", "lines", "body"),
    [
        ("HEAD", "200 OK", ["Content-Length: 5"], b""),
        ("GET", "204 No Content", [], b""),
        ("GET", "304 Not Modified", ["Content-Length: 5"], b""),
        ("GET", "200 OK", ["Content-Length: 5"], b"hello"),
        ("GET", "200 OK", ["Transfer-Encoding: chunked"], b"5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"),
        ("GET", "200 OK", ["Connection: close"], b"hello"),
        ("GET", "103 Early Hints\r\n\r\nHTTP/1.1 200 OK", ["Content-Length: 5"], b"hello"),
        ("GET", "200 OK", ["Content-Length: 5"], b"hello and more, which is nobody's"),
    ],
)
async def test_bodies(
    place: Ground, method: str, status: str, lines: list[str], body: bytes
) -> None:
    await place.serve(answering(status, *lines, body=body))
    answer = await place.ask(method=method)
    assert answer.status_code == int(status.rpartition("HTTP/1.1 ")[2][:3])
    assert answer.text == ("hello" if body else "")


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 10"],
        ["Transfer-Encoding: chunked"],
    ],
)
async def test_an_answer_that_breaks_off_is_seen_to(place: Ground, lines: list[str]) -> None:
    await place.serve(answering("200 OK", *lines, body=b"5\r\nhello\r\n"[: 3 + 5]))
    with pytest.raises(httpx2.RemoteProtocolError):
        await place.ask()


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 999 X\r\n\r\n"])
async def test_what_is_no_http(place: Ground, said: bytes) -> None:
    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await head(reader)
        writer.write(said)
        await writer.drain()

    await place.serve(serve)
    answer = await place.ask()
    assert (answer.status_code, answer.json()["code"]) == (502, "bad_gateway")


async def test_events_are_not_gathered(place: Ground) -> None:
    seen = asyncio.Event()

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n")
        await writer.drain()
        await seen.wait()  # not before the browser has the first
        writer.write(b"data: 2\n\n")
        await writer.drain()

    await place.serve(serve)
    sent = {"Host": urlsplit(place.origin()).netloc, "Cookie": await place.cookie()}
    async with (
        place.client() as client,
        client.stream("GET", f"http://127.0.0.1:{place.port}/", headers=sent) as answer,
    ):
        assert answer.headers["x-accel-buffering"] == "no"
        pieces = answer.aiter_raw()
        assert await anext(pieces) == b"data: 1\n\n"
        seen.set()
        assert await anext(pieces) == b"data: 2\n\n"


async def test_who_leaves_is_missed_by_the_app(place: Ground) -> None:
    gone = asyncio.Event()

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nx")
        await writer.drain()
        try:
            await reader.read()
        finally:
            gone.set()

    await place.serve(serve)
    sent = {"Host": urlsplit(place.origin()).netloc, "Cookie": await place.cookie()}
    async with place.client() as client:
        address = f"http://127.0.0.1:{place.port}/"
        async with client.stream("GET", address, headers=sent) as answer:
            assert await anext(answer.aiter_raw()) == b"x"
    async with asyncio.timeout(PATIENCE):
        await gone.wait()


async def test_uploads_stream_and_wait_for_a_slow_app(place: Ground) -> None:
    go = asyncio.Event()
    total = 16 * 1024 * 1024
    sent_bytes = 0

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await head(reader)
        await reader.readexactly(10)
        await go.wait()
        await reader.readexactly(total - 10)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await writer.drain()

    await place.serve(serve)
    cookie = await place.cookie()
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    writer.transport.set_write_buffer_limits(0)
    writer.write(
        f"PUT / HTTP/1.1\r\nHost: {urlsplit(place.origin()).netloc}\r\nCookie: {cookie}\r\n"
        f"Origin: {place.origin()}\r\nContent-Length: {total}\r\n\r\n".encode()
    )

    async def upload() -> None:
        nonlocal sent_bytes
        while sent_bytes < total:
            writer.write(b"x" * 65536)
            sent_bytes += 65536
            await writer.drain()

    uploading = asyncio.create_task(upload())
    # It gets stuck well before the end: what is on the way is bounded.
    before = -1
    while before != sent_bytes or sent_bytes == 0:
        before = sent_bytes
        await asyncio.wait([uploading], timeout=1)
    assert not uploading.done()
    go.set()
    async with asyncio.timeout(PATIENCE):
        await uploading
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_expect_continue_is_the_apps_to_answer(place: Ground) -> None:
    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        assert b"expect: 100-continue" in (await head(reader)).lower()
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(5)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n" + body)
        await writer.drain()

    await place.serve(serve)
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    writer.write(
        f"PUT / HTTP/1.1\r\nHost: {urlsplit(place.origin()).netloc}\r\n"
        f"Cookie: {await place.cookie()}\r\nOrigin: {place.origin()}\r\n"
        "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n".encode()
    )
    async with asyncio.timeout(PATIENCE):
        assert (await head(reader)).startswith(b"HTTP/1.1 100")
        writer.write(b"hello")
        assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_one_connection_serves_many_hosts(place: Ground) -> None:
    await place.serve(telling([]))
    app = f"Host: {urlsplit(place.origin()).netloc}\r\nCookie: {await place.cookie()}\r\n"
    hub = f"Host: localhost:{place.port}\r\nCookie: {hub_cookie(place)}\r\n"
    answer = await place.raw(
        f"GET / HTTP/1.1\r\n{app}\r\nGET /api/me HTTP/1.1\r\n{hub}\r\n"
        f"GET / HTTP/1.1\r\n{app}Connection: close\r\n\r\n".encode()
    )
    assert answer.count(b"HTTP/1.1 200") == 3
    assert answer.index(b"ok") < answer.index(place.person.id.encode()) < answer.rindex(b"ok")


async def test_an_app_that_does_not_want_the_websocket_gets_nothing_more(place: Ground) -> None:
    heard: list[bytes] = []

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        heard.append(await head(reader))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno")
        heard.append(await reader.read())

    await place.serve(serve)
    answer = await place.raw(
        f"GET /s HTTP/1.1\r\nHost: {urlsplit(place.origin()).netloc}\r\n"
        f"Cookie: {await place.cookie()}\r\nOrigin: {place.origin()}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        f"GET /api/me HTTP/1.1\r\nHost: localhost\r\nCookie: {hub_cookie(place)}\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answer
    assert answer.endswith(b"no")
    assert b"bunkhouse_" not in b"".join(heard)
    assert b"/api/me" not in b"".join(heard)


async def test_websockets_pass_large_messages_and_ends(place: Ground) -> None:
    async def echo(websocket: websockets.ServerConnection) -> None:
        async for message in websocket:
            if message == "bye":
                await websocket.close(4000, "as you wish")
                return
            await websocket.send(message)

    cookie = await place.cookie()
    async with websockets.serve(echo, "127.0.0.1", 0, max_size=None) as server:
        place.sandboxes.servers[SESSION, "5173"] = next(iter(server.sockets)).getsockname()[1]
        async with websockets.connect(
            place.origin().replace("http", "ws") + "/socket",
            host="127.0.0.1",
            port=place.port,
            additional_headers={"Cookie": cookie},
            origin=websockets.Origin(place.origin()),
            proxy=None,
            max_size=None,
            open_timeout=PATIENCE,
        ) as connection:
            large = bytes(range(256)) * 16384
            for _ in range(3):
                await connection.send(large)
                assert await connection.recv() == large
            await connection.send("bye")
            await connection.wait_closed()
            assert (connection.close_code, connection.close_reason) == (4000, "as you wish")
