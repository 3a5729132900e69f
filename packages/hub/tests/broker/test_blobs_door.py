"""Pictures at their door: who may put what, how much, and that it goes with the session."""

import hashlib
import os
import time
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest

from bunkhouse.blobs import Blobs
from bunkhouse.broker.door import Doors
from bunkhouse.errors import NotFound
from bunkhouse.sessions import SandboxIdentity

from .serving import serve

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100
TOKEN = {"Authorization": "Bearer right"}


class OneSandbox:
    async def sandbox_for_token(self, token: str) -> SandboxIdentity | None:
        return SandboxIdentity("sb_1", "s_1") if token == "right" else None


def doors(blobs: Blobs) -> Doors:
    """The real doors, behind which there is nothing but pictures."""
    nothing = cast("Any", None)
    return Doors(
        knocking=cast("Any", OneSandbox()),
        links=nothing,
        dialling=nothing,
        providers=nothing,
        models=nothing,
        git=nothing,
        egress=nothing,
        repository_settings=nothing,
        tools=nothing,
        blobs=blobs,
    )


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs", blob_bytes=1000, session_bytes=250)


def name_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def test_a_picture_is_kept_until_its_session_goes(blobs: Blobs, tmp_path: Path) -> None:
    name = name_of(PNG)
    async with (
        serve(doors(blobs).application()) as url,
        httpx2.AsyncClient(base_url=f"{url}/sandbox", trust_env=False) as client,
    ):
        for _ in range(2):
            put = await client.put(f"/blobs/{name}", content=PNG, headers=TOKEN)
            assert put.status_code == 204
    found = await blobs.get("s_1", name)
    assert (found.data, found.mime) == (PNG, "image/png")
    assert [place.name for place in (tmp_path / "blobs/s_1").iterdir()] == [name]
    with pytest.raises(NotFound):
        await blobs.get("s_2", name)
    await blobs.remove("s_1")
    await blobs.remove("s_1")
    with pytest.raises(NotFound):
        await blobs.get("s_1", name)


async def test_what_is_refused(blobs: Blobs, tmp_path: Path) -> None:
    html = b"<html>"
    long = PNG + b"y" * 1000
    async with (
        serve(doors(blobs).application()) as url,
        httpx2.AsyncClient(base_url=f"{url}/sandbox", trust_env=False) as client,
    ):

        async def status(name: str, data: bytes, token: str = "right") -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return (await client.put(f"/blobs/{name}", content=data, headers=headers)).status_code

        assert await status(name_of(PNG), PNG, "wrong") == 401
        assert await status("0" * 64, PNG) == 422
        assert await status(name_of(html), html) == 422
        assert await status(name_of(long), long) == 413
        for name in ("..", "x", "A" * 64, "..%2f..%2fx"):
            assert await status(name, PNG) in (404, 405)
        assert not (tmp_path / "blobs").exists()
        assert await status(name_of(PNG), PNG) == 204
        assert await status(name_of(PNG + b"2"), PNG + b"2") == 204
        assert await status(name_of(PNG + b"3"), PNG + b"3") == 413
        assert await status(name_of(PNG), PNG) == 204


async def test_a_sandbox_is_given_what_its_own_session_has(blobs: Blobs) -> None:
    text = b"some words"
    mine, other = await blobs.add("s_1", text), await blobs.add("s_2", b"other words")
    async with (
        serve(doors(blobs).application()) as url,
        httpx2.AsyncClient(base_url=f"{url}/sandbox", trust_env=False) as client,
    ):
        got = await client.get(f"/blobs/{mine}", headers=TOKEN)
        assert (got.status_code, got.content) == (200, text)
        assert (await client.get(f"/blobs/{other}", headers=TOKEN)).status_code == 404
        assert (await client.get("/blobs/..%2Fs_2", headers=TOKEN)).status_code == 404
        assert (await client.get(f"/blobs/{mine}")).status_code == 401
        # It can still put nothing but pictures, and what it says is text.
        put = await client.put(f"/blobs/{name_of(b'x')}", content=b"x", headers=TOKEN)
        assert put.json()["error"]["code"] == "blob_type"


async def test_an_output_is_kept_whatever_its_bytes_are(tmp_path: Path) -> None:
    blobs = Blobs(
        tmp_path / "blobs", blob_bytes=50, output_bytes=100, session_bytes=1000, session_blobs=2
    )
    printed = b"<script>\0\x1b[31m\xff"
    async with (
        serve(doors(blobs).application()) as url,
        httpx2.AsyncClient(base_url=f"{url}/sandbox", trust_env=False) as client,
    ):

        async def put(data: bytes, name: str | None = None) -> tuple[int, str | None]:
            headers = {**TOKEN, "Content-Type": "text/plain; charset=utf-8"}
            answer = await client.put(
                f"/blobs/{name or name_of(data)}", content=data, headers=headers
            )
            return answer.status_code, answer.json()["error"]["code"] if answer.content else None

        assert await put(printed) == (204, None)
        assert await put(b"x" * 101) == (413, "too_large")
        assert await put(b"x", name_of(b"y")) == (422, "blob_name")
        assert await put(b"x" * 100) == (204, None)
        assert await put(b"one more") == (413, "too_many_blobs")
        assert await put(printed) == (204, None)
    found = await blobs.get("s_1", name_of(printed))
    assert (found.data, found.mime) == (printed, "text/plain")


async def test_what_a_killed_hub_left_is_swept(tmp_path: Path) -> None:
    folder = tmp_path / "blobs"
    blobs = Blobs(folder, blob_bytes=1000, session_bytes=1000)
    mine = await blobs.add("s_1", b"mine")
    await blobs.add("s_2", b"nobody's")
    await blobs.add("s_3", b"young")
    (folder / "s_1/draft-0").write_bytes(b"half")
    (folder / "s_1/draft-1").write_bytes(b"being written")
    long_ago = time.time() - 7200
    (folder / "lost+found").mkdir()
    (folder / "file").write_bytes(b"somebody's")
    for place in ("s_1/draft-0", "s_1", "s_2", "lost+found", "file"):
        os.utime(folder / place, (long_ago, long_ago))
    asked: list[str] = []

    async def known(names: list[str]) -> set[str]:
        asked.extend(names)
        return {"s_1"}

    assert await blobs.sweep(known) == 1
    assert sorted(asked) == ["s_1", "s_2"]
    left = sorted(place.name for place in folder.iterdir())
    assert left == ["file", "lost+found", "s_1", "s_3"]
    assert sorted(place.name for place in (folder / "s_1").iterdir()) == sorted([mine, "draft-1"])
