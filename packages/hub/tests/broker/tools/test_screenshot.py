"""Pictures that the agent shows to people."""

import base64
import hashlib
from pathlib import Path

from .conftest import House

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\0\x80" + b"x" * 100


async def test_a_file_of_the_sandbox_is_shown(house: House, sandbox: Path) -> None:
    view, agent = await house.session()
    (sandbox / "shot.png").write_bytes(PNG)
    answer = await agent.call("post_screenshot", path="shot.png", caption=" The door. ")
    assert not answer.failed, answer.text
    (call,) = await house.calls(view.id)
    assert call.picture is not None
    assert (call.picture.width, call.picture.height, call.picture.mime) == (256, 128, "image/png")
    assert (call.caption, call.message) == ("The door.", "A screenshot was posted.")
    kept = await house.rooms.blobs.get(view.id, call.picture.blob)
    assert (kept.data, call.picture.blob) == (PNG, hashlib.sha256(PNG).hexdigest())


async def test_a_picture_that_is_in_no_file(house: House) -> None:
    view, agent = await house.session()
    answer = await agent.call("post_screenshot", png=base64.b64encode(PNG).decode())
    assert not answer.failed, answer.text
    (call,) = await house.calls(view.id)
    assert call.picture is not None and call.picture.size == len(PNG)


async def test_what_is_no_picture_to_show(house: House, sandbox: Path) -> None:
    view, agent = await house.session()
    (sandbox / "text").write_text("no picture")
    (sandbox / "large.png").write_bytes(PNG + b"x" * 10_000)
    codes = {
        "text": "blob_type",
        "large.png": "too_large",
        "not-there": "file_unreadable",
        ".": "file_unreadable",
        "--help": "file_unreadable",
    }
    for path, code in codes.items():
        answer = await agent.call("post_screenshot", path=path)
        assert answer.failed and f"({code})" in answer.text, answer.text
    large = base64.b64encode(PNG + b"x" * 10_000).decode()
    assert "(too_large)" in (await agent.call("post_screenshot", png=large)).text
    assert all(call.picture is None for call in await house.calls(view.id))


async def test_a_sandbox_that_does_not_answer(house: House) -> None:
    _, agent = await house.session()
    assert "(sandbox_not_running)" in (await agent.call("post_screenshot", path="x")).text
