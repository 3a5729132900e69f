"""Files and prompts that are sent now, all the way to a real agent in a real sandbox."""

import struct
import zlib

import pytest

from ..hubs import Client, ended, happened, text_of, whole

pytestmark = pytest.mark.engine


def picture() -> bytes:
    """A PNG of two by two points."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        whole = kind + data
        return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))

    head = struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)
    points = zlib.compress(b"\0" + b"\x80" * 6 + b"\0" + b"\x40" * 6)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", points) + chunk(b"IEND", b"")
    )


def upload(client: Client, name: str, data: bytes) -> str:
    answer = client.http.post("/api/uploads", params={"name": name}, content=data)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def test_files_and_words_reach_the_agent_when_they_are_sent(client: Client) -> None:
    shot = picture()
    session = client.create("[demo:slow seconds=8]", attachments=[upload(client, "shot.png", shot)])
    client.until(session, happened("tool_output_chunk"))
    prompts = f"/api/sessions/{session}/prompts"
    later = client.post(prompts, {"text": "[demo:hello]"})
    notes = upload(client, "notes.md", b"# Notes\n")
    now = client.post(prompts, {"text": "[demo:think n=5]", "attachments": [notes], "when": "now"})
    refused = client.http.patch(f"{prompts}/{now['id']}", json={"text": "too late"})
    assert (refused.status_code, refused.json()["code"]) == (409, "prompt_begun")

    log = client.until(session, ended(later["id"]))
    whole(log)
    kinds = [
        (e["type"], e.get("prompt_id") or e.get("turn_id"))
        for e in log
        if e["type"] in ("prompt_steered", "turn_started", "turn_ended")
    ]
    first = kinds[0][1]
    assert kinds == [
        ("turn_started", first),
        ("prompt_steered", now["id"]),
        ("turn_ended", first),
        ("turn_started", later["id"]),
        ("turn_ended", later["id"]),
    ]
    said = text_of(log)
    assert f"1 file: `shot.png` (image/png, {len(shot):,} bytes)" in said
    assert "1 file: `notes.md` (text/plain, 8 bytes)" in said
    # What was running when it was sent was not killed for it.
    outputs = [e["output"] for e in log if e["type"] == "tool_call_update" and e["output"]]
    assert any("heartbeat-8" in output for output in outputs)


def test_a_provider_that_refuses_files_leaves_the_session_usable(
    client: Client, fresh: str
) -> None:
    refusal = '[demo:error status=400 times=always message="no pictures here"]'
    attached = [upload(client, "shot.png", picture())]
    client.post(f"/api/sessions/{fresh}/prompts", {"text": refusal, "attachments": attached})
    log = client.until(fresh, ended())
    assert (log[-1]["outcome"], log[-1]["code"]) == ("failed", "model_refused"), log[-4:]
    assert "no pictures here" in log[-1]["message"]
    assert client.turn(fresh, "[demo:hello]")[-1]["outcome"] == "done"
