"""The demo model on the wire: its pace, its document form, and behind the models door."""

import json

import httpx2
import pytest

from bunkhouse.broker.demo import DemoModel, demo_application
from bunkhouse.broker.demo.wire import Pace, words

from ..models.house import house
from ..serving import serve

HELLO = {"model": "demo", "messages": [{"role": "user", "content": "[demo:hello]"}]}


def request(text: str, **more: object) -> bytes:
    return json.dumps(
        {"model": "demo", "stream": True, "messages": [{"role": "user", "content": text}], **more}
    ).encode()


async def test_words_come_at_the_pace_of_the_clock() -> None:
    now = [100.0]
    naps: list[float] = []

    async def sleep(seconds: float) -> None:
        naps.append(round(seconds, 6))
        now[0] += seconds + 0.004  # timers are late

    pace = Pace(50, clock=lambda: now[0], sleep=sleep)
    for _ in range(500):
        await pace.word()
    assert now[0] - 100.0 == pytest.approx(499 / 50, abs=0.01)
    assert naps[0] == 0


def test_words_are_the_text() -> None:
    for text in ("", "a", " a  b\n\n```x\ny```\n", "word-1 word-2"):
        assert "".join(words(text)) == text


async def test_a_document_and_the_list_of_models() -> None:
    async with (
        serve(demo_application(DemoModel(0))) as url,
        httpx2.AsyncClient(base_url=url, trust_env=False) as client,
    ):
        got = (await client.post("/v1/chat/completions", json=HELLO)).json()
        assert got["object"] == "chat.completion"
        assert got["choices"][0]["finish_reason"] == "stop"
        assert "no intelligence" in got["choices"][0]["message"]["content"]
        assert got["usage"]["total_tokens"] > 0
        models = (await client.get("/v1/models")).json()
        assert [model["id"] for model in models["data"]] == ["demo"]
        for body in (b"[]", b"{", b'{"messages": []}', b'{"messages": 3}'):
            refused = await client.post("/v1/chat/completions", content=body)
            assert refused.status_code == 400
            assert refused.json()["error"]["message"].startswith("Not understood")
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.post("/v1/chat/completions", content=request("[demo:breakoff]"))


async def test_behind_the_door_it_is_a_provider_like_any_other() -> None:
    async with house() as here:
        here.turn_id = "t_1"
        async with here.post("demo/v1/chat/completions", request("[demo:long n=30]")) as got:
            assert got.headers["content-type"] == "text/event-stream"
            data = await got.aread()
        assert data.endswith(b"data: [DONE]\n\n")
        assert here.codes() == []
        for status in (401, 429, 500):
            prompt = request(f"[demo:error status={status}]")
            async with here.post("demo/v1/chat/completions", prompt) as got:
                await got.aread()
            assert got.status_code == status
            async with here.post("demo/v1/chat/completions", prompt) as got:
                assert await got.aread()
            assert got.status_code == 200
        assert here.codes() == ["model_unauthorized", "model_rate_limited", "model_failed"]
        with pytest.raises(httpx2.RemoteProtocolError):
            async with here.post("demo/v1/chat/completions", request("[demo:breakoff]")) as got:
                await got.aread()
        assert here.codes()[-1] == "model_broke_off"
        got = await here.client.get("demo/v1/models")
        assert got.json()["data"][0]["id"] == "demo"


async def test_a_hanging_answer_ends_when_the_client_leaves() -> None:
    async with house() as here:
        async with here.post("demo/v1/chat/completions", request("[demo:hang n=3]")) as got:
            received = b""
            async for chunk in got.aiter_raw():
                received += chunk
                if b"word-3" in received:
                    break
        assert here.codes() == []
