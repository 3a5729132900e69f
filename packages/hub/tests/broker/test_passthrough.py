"""Answers that pass a stream through."""

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bunkhouse.broker.passthrough import Download, Passthrough, Upload, end_to_end

from .serving import serve


def test_headers_of_the_connection_stay_here() -> None:
    given = [
        ("Connection", "keep-alive, X-Private"),
        ("X-Private", "1"),
        ("Transfer-Encoding", "chunked"),
        ("Accept", "*/*"),
        ("X-Twice", "1"),
        ("X-Twice", "2"),
    ]
    assert end_to_end(given) == [("accept", "*/*"), ("x-twice", "1"), ("x-twice", "2")]


async def test_a_body_comes_back_while_it_is_sent() -> None:
    async def echo(request: Request) -> Response:
        async def exchange(upload: Upload, download: Download) -> None:
            chunks = [chunk async for chunk in upload]
            await download.start(200, [(b"x-chunks", str(len(chunks)).encode())])
            for chunk in chunks:
                await download.write(chunk)
            await download.finish()

        return Passthrough(exchange, limit=10_000_000)

    async def body():
        for n in range(100):
            yield bytes([n]) * 50_000

    app = Starlette(routes=[Route("/", echo, methods=["POST"])])
    async with serve(app) as url, httpx2.AsyncClient(trust_env=False) as client:
        for _ in range(3):
            got = await client.post(url, content=body())
            assert got.content == b"".join(bytes([n]) * 50_000 for n in range(100))


async def test_an_exchange_that_fails_is_an_error_of_the_server() -> None:
    async def broken(request: Request) -> Response:
        async def exchange(upload: Upload, download: Download) -> None:
            raise RuntimeError("a bug")

        return Passthrough(exchange, limit=10)

    app = Starlette(routes=[Route("/", broken)])
    async with serve(app) as url, httpx2.AsyncClient(trust_env=False) as client:
        assert (await client.get(url)).status_code == 500
