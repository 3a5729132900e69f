"""Pictures on their way to the hub: through a hub that is away, refuses, or is started anew."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bunkhouse_protocol.events import Problem
from bunkhouse_runner.gateway.server import Gateway
from bunkhouse_runner.hub import Hub
from bunkhouse_runner.pictures import Pictures, name_of

from .fake_hub import TOKEN

PATIENCE = 90.0


@dataclass
class Door:
    """A door that answers with the statuses of a script, then takes everything."""

    statuses: list[int] = field(default_factory=list[int])
    taken: dict[str, bytes] = field(default_factory=dict[str, bytes])
    kinds: dict[str, str] = field(default_factory=dict[str, str])
    tokens: set[str] = field(default_factory=set[str])
    asked: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_taken(self, *names: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while not set(names) <= set(self.taken):
                self._changed.clear()
                await self._changed.wait()

    async def until_asked(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while not self.asked:
                self._changed.clear()
                await self._changed.wait()

    async def _put(self, request: Request) -> Response:
        self.asked += 1
        self.tokens.add(request.headers["authorization"])
        data = await request.body()
        status = self.statuses.pop(0) if self.statuses else 204
        if status == 204:
            self.taken[request.path_params["blob"]] = data
            self.kinds[request.path_params["blob"]] = request.headers["content-type"]
        self._changed.set()
        if status == 413:
            said = {"error": {"message": "There is no room.", "code": "too_large"}}
            return JSONResponse(said, status_code=status)
        return Response(status_code=status)

    @contextlib.asynccontextmanager
    async def open(self, place: Path) -> AsyncGenerator[None]:
        app = Starlette(routes=[Route("/sandbox/blobs/{blob}", self._put, methods=["PUT"])])
        # Any ASGI application on a Unix socket: the gateway's own server serves for it.
        server = Gateway(app, place)
        await server.start()
        try:
            yield
        finally:
            await server.stop()


@contextlib.asynccontextmanager
async def running(pictures: Pictures) -> AsyncGenerator[None]:
    task = asyncio.create_task(pictures.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def socket_path(tmp_path: Path) -> Path:
    return tmp_path / "hub.sock"


def pictures(tmp_path: Path, lost: list[Problem] | None = None) -> Pictures:
    return Pictures(
        Hub(token=TOKEN, socket=tmp_path / "hub.sock"),
        tmp_path / "state/blobs",
        lost=(lost if lost is not None else []).append,
    )


def kept(tmp_path: Path) -> list[str]:
    return [place.name for place in (tmp_path / "state/blobs").iterdir()]


async def test_a_picture_outlives_the_runner_and_waits_for_the_hub(
    tmp_path: Path, socket_path: Path
) -> None:
    first = pictures(tmp_path)
    name = first.keep(b"one")
    assert name == name_of(b"one") == first.keep(b"one")
    again, door = pictures(tmp_path), Door(statuses=[503])
    async with running(again):
        other = again.keep(b"two")
        async with door.open(socket_path):
            again.wake()
            await door.until_taken(name, other)
            # All but the last are gone when the next is asked for.
            last = again.keep(b"three")
            await door.until_taken(last)
    assert door.taken == {name: b"one", other: b"two", last: b"three"}
    assert door.tokens == {f"Bearer {TOKEN}"}
    assert set(kept(tmp_path)) <= {last}


async def test_what_the_hub_refuses_is_given_up(tmp_path: Path, socket_path: Path) -> None:
    sending, door = pictures(tmp_path), Door(statuses=[422])
    sending.keep(b"not a picture")
    async with door.open(socket_path), running(sending):
        await door.until_asked()
        name = sending.keep(b"another")
        await door.until_taken(name)
    assert door.taken == {name: b"another"}
    assert door.asked == 2


async def test_an_output_goes_as_text_also_after_a_restart(
    tmp_path: Path, socket_path: Path
) -> None:
    name = pictures(tmp_path).keep_text(b"printed\0 \xff")
    again, door = pictures(tmp_path), Door()
    async with door.open(socket_path), running(again):
        picture = again.keep(b"picture")
        await door.until_taken(name, picture)
    assert door.taken == {name: b"printed\0 \xff", picture: b"picture"}
    assert door.kinds == {name: "text/plain", picture: "application/octet-stream"}


async def test_what_can_not_be_kept_is_told_once_for_each_reason(
    tmp_path: Path, socket_path: Path
) -> None:
    lost: list[Problem] = []
    sending, door = pictures(tmp_path, lost), Door(statuses=[413, 413])
    refused = {sending.keep_text(b"one"), sending.keep_text(b"two")}
    async with door.open(socket_path), running(sending):
        await door.until_asked()
        await door.until_taken(sending.keep_text(b"three"))
    (problem,) = lost
    assert problem.code == "blob_lost" and problem.detail in refused
    assert problem.message.endswith("There is no room.")
    # A folder where the file should go: the disk takes nothing.
    (tmp_path / "state/blobs").rename(tmp_path / "elsewhere")
    (tmp_path / "state/blobs").write_text("")
    sending.keep_text(b"four")
    assert [each.code for each in lost] == ["blob_lost", "blob_lost"]
