"""The demo model says what files reached it, by their bytes."""

import base64
import json
from typing import Any

import pytest

from bunkhouse.broker.demo import DemoModel
from bunkhouse.broker.demo.attached import attached_to

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 50


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def picture(data: bytes) -> dict[str, Any]:
    url = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


async def said(content: object) -> str:
    body = {"messages": [{"role": "user", "content": content}]}
    answer = DemoModel(0).answer("POST", "/chat/completions", json.dumps(body).encode())
    whole = b"".join([chunk async for chunk in answer.stream])
    return str(json.loads(whole)["choices"][0]["message"]["content"])


async def test_it_tells_what_it_was_given_whatever_the_script() -> None:
    content = [
        text("[demo:hello]"),
        text("Attached file: shot (1).png (image/png, 58 bytes)"),
        picture(PNG),
        text("Attached file: n.md (text/plain, 7 bytes)\n\nGrüße [demo:fail]"),
    ]
    told = await said(content)
    assert "Hello." in told  # the script is the person's, not the file's
    assert "2 files: `shot (1).png` (image/png, 58 bytes), `n.md` (text/plain, 19 bytes)." in told
    assert "given" not in await said([text("[demo:hello]")])
    assert "given" not in await said("[demo:hello]")


async def test_a_file_alone_is_told_as_well() -> None:
    assert "1 file: `n.md`" in await said("Attached file: n.md (text/plain, 1 bytes)\n\nx")


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://example.org/x.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,@@@"}},
        {"type": "image_url"},
    ],
)
def test_what_did_not_arrive_is_not_claimed(part: dict[str, Any]) -> None:
    (file,) = attached_to([part])
    assert (file.size, "data" in file.mime) == (0, True)
