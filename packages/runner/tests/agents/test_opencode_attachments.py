"""Files with a prompt, to a real OpenCode: what the model is shown, and what it can't take."""

import base64
from typing import Any

import pytest

from bunkhouse_protocol.events import Notice
from bunkhouse_runner.agents.base import AttachedFile

from .bench import Bench
from .conftest import Benches
from .model_server import Finish, Status, Text

pytestmark = pytest.mark.asyncio(loop_scope="session")
DONE = (Text("Done."), Finish())
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SHOT = AttachedFile("shot.png", "image/png", PNG)
NOTES = AttachedFile("notes.md", "text/plain", "# Grüße\n".encode())


def last_message(bench: Bench) -> list[dict[str, Any]]:
    return bench.model.requests[-1]["messages"][-1]["content"]


def everything(bench: Bench) -> str:
    return str(bench.model.requests[-1]["messages"])


async def attach(bench: Bench, *files: AttachedFile, text: str, model: str = "demo/m1") -> Any:
    return await bench.agent.prompt("t1", text, model, files)


async def test_pictures_and_texts_reach_the_model_with_their_names(bench: Bench) -> None:
    bench.model.script(DONE)
    result = await attach(bench, SHOT, NOTES, text="Look.")
    assert result.outcome == "done"
    texts = [part["text"] for part in last_message(bench) if part["type"] == "text"]
    assert texts == [
        "Look.",
        f"Attached file: shot.png (image/png, {len(PNG)} bytes)",
        "Attached file: notes.md (text/plain, 10 bytes)\n\n# Grüße\n",
    ]
    (picture,) = [part for part in last_message(bench) if part["type"] == "image_url"]
    assert picture["image_url"]["url"] == f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


async def test_files_alone_are_a_prompt(bench: Bench) -> None:
    bench.model.script(DONE)
    assert (await attach(bench, NOTES, text="")).outcome == "done"
    assert "Grüße" in everything(bench)


async def test_a_model_that_reads_no_pictures_is_not_asked(bench: Bench) -> None:
    bench.model.script(DONE)
    # OpenCode's catalogue says so of this one.
    result = await attach(bench, SHOT, text="Look.", model="openai/text-embedding-3-small")
    assert (result.outcome, result.code) == ("failed", "attachment_unsupported")
    assert "shot.png" in (result.message or "") and "text-embedding-3-small" in (
        result.message or ""
    )
    assert bench.model.requests == []
    assert (await bench.turn(DONE, text="Then this.")).outcome == "done"


async def test_a_picture_that_is_broken_fails_its_turn_alone(bench: Bench) -> None:
    bench.model.script(DONE)
    broken = AttachedFile("half.png", "image/png", PNG[:20])
    result = await attach(bench, broken, text="See this.")
    assert (result.outcome, result.code) == ("failed", "attachment_unreadable")
    assert "half.png" in (result.message or "")
    assert (await bench.turn(DONE, text="Then this.")).outcome == "done"
    assert "half.png" not in everything(bench)


async def test_what_the_provider_refuses_does_not_fail_the_turns_to_come(
    benches: Benches,
) -> None:
    async with benches.bench() as bench:
        await bench.up()
        await bench.turn(DONE, text="Before.")
        bench.model.script([Status(400, "image input is not supported")])
        bench.events.clear()
        result = await attach(bench, SHOT, text="Look at this.")
        assert (result.outcome, result.code) == ("failed", "model_refused")
        assert "image input is not supported" in (result.message or "")
        assert [notice.code for notice in bench.all(Notice)] == ["attachments_forgotten"]
        assert (await bench.turn(DONE, text="Without it.")).outcome == "done"
        assert "Before." in everything(bench) and "Look at this." not in everything(bench)
        assert "image_url" not in everything(bench)
