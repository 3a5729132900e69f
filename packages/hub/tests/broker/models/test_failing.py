"""Failures of providers: each is a sentence in the session's log, and the agent sees it too."""

import asyncio
import json

import httpx2
import pytest

from bunkhouse.broker.models import Dialect
from bunkhouse.broker.models.problems import GATHER_SECONDS, ProblemLog, unreachable
from bunkhouse_protocol.events import Event

from ..serving import CHUNKED_END, STREAM_HEAD, Asked, chunked, free_port, response, upstream
from .house import KEY, OPENAI_STREAM, PATHS, STREAMS, house, provider

REFUSALS = [
    ("401 Unauthorized", "nope", "model_unauthorized", "OPENAI_API_KEY"),
    ("403 Forbidden", "nope", "model_unauthorized", "OPENAI_API_KEY"),
    ("404 Not Found", "no such model", "model_not_found", "no model `m-1`"),
    ("402 Payment Required", "pay", "model_rate_limited", "credit"),
    ("429 Too Many Requests", "slow down", "model_rate_limited", "wait 20 s"),
    ("429 Too Many Requests", "exceeded your current quota", "model_rate_limited", "quota"),
    ("500 Internal Server Error", "boom", "model_failed", "(500)"),
    ("529 Overloaded", "overloaded", "model_failed", "(529)"),
]


@pytest.mark.parametrize(("status", "said", "code", "words"), REFUSALS)
async def test_a_refusal_passes_down_and_is_told(
    status: str, said: str, code: str, words: str
) -> None:
    body = json.dumps({"error": {"message": said, "type": "some_type"}}).encode()

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(response(status, body, "retry-after: 20"))

    async with upstream(answer) as above, house(provider("openai", above.url)) as here:
        async with here.post("openai/v1/chat/completions") as got:
            assert await got.aread() == body
        assert got.status_code == int(status[:3])
        assert got.headers["retry-after"] == "20"
        (problem,) = here.problems()
        assert problem.code == code
        assert words in f"{problem.message} {problem.remedy}"
        assert problem.detail == said
        assert here.noted[0][0] == "s_1"


async def test_an_error_that_is_the_agents_own_affair_is_not_told() -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(response("400 Bad Request", b'{"error":{"message":"context too long"}}'))

    async with upstream(answer) as above, house(provider("openai", above.url)) as here:
        async with here.post("openai/v1/chat/completions") as got:
            await got.aread()
        assert got.status_code == 400
        assert here.noted == []


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini"])
async def test_a_key_that_an_error_quotes_stays_here(dialect: Dialect) -> None:
    said = f"Incorrect API key provided: {KEY}. Also sk-the-r***********cdef."

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        body = json.dumps({"error": {"message": said}}).encode()
        writer.write(response("401 Unauthorized", body, f"x-key: {KEY}"))

    async with upstream(answer) as above, house(provider(dialect, above.url)) as here:
        async with here.post(f"{dialect}/{PATHS[dialect]}") as got:
            text = (await got.aread()).decode()
        everything = text + repr(got.headers) + repr(here.noted)
        assert KEY not in everything
        assert "sk-the-r" not in everything
        assert "Incorrect API key provided: [key]." in text
        assert int(got.headers["content-length"]) == len(text.encode())


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini"])
async def test_nobody_answers(dialect: Dialect) -> None:
    async with house(provider(dialect, f"http://127.0.0.1:{free_port()}")) as here:
        async with here.post(f"{dialect}/{PATHS[dialect]}") as got:
            body = json.loads(await got.aread())
        assert got.status_code == 502
        (problem,) = here.problems()
        assert problem.code == "model_unreachable"
        assert "nothing accepts the connection" in problem.message
        assert f"{dialect.upper()}_BASE_URL" in (problem.remedy or "")
        assert body["error"]["message"] == problem.message
        if dialect == "anthropic":
            assert body["type"] == "error"


async def test_a_name_that_does_not_resolve_and_an_address_that_is_none() -> None:
    async with house(
        provider("openai", "http://no-such-host.invalid"),
        provider("anthropic", "ftp://a.test"),
        provider("gemini", "http://a.test:port"),
    ) as here:
        for dialect, path in PATHS.items():
            async with here.post(f"{dialect}/{path}") as got:
                assert got.status_code == 502
        assert here.codes() == ["model_unreachable"] * 3
        assert "can't be resolved" in here.problems()[0].message
        assert "no http or https URL" in here.problems()[1].message
        assert "no http or https URL" in here.problems()[2].message


async def test_a_provider_that_is_silent() -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if b"within" in asked.body:
            writer.write(STREAM_HEAD + chunked(OPENAI_STREAM[0]))
        await asyncio.Event().wait()

    async with upstream(answer) as above:
        async with house(provider("openai", above.url), idle_seconds=0.2) as here:
            async with here.post("openai/v1/chat/completions") as got:
                assert got.status_code == 502
            with pytest.raises(httpx2.RemoteProtocolError):
                async with here.post("openai/v1/chat/completions", b'{"model":"within"}') as got:
                    await got.aread()
        assert here.codes() == ["model_unreachable", "model_broke_off"]
        assert "silent for 0.2 s" in here.problems()[0].message
        assert "silent for 0.2 s" in here.problems()[1].message


@pytest.mark.parametrize(("dialect", "path", "stream"), STREAMS)
@pytest.mark.parametrize("politely", [True, False])
async def test_a_stream_that_breaks_off_is_broken_off_below(
    dialect: Dialect, path: str, stream: list[bytes], politely: bool
) -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + chunked(stream[0]) + (CHUNKED_END if politely else b""))
        await writer.drain()

    async with upstream(answer) as above, house(provider(dialect, above.url)) as here:
        received = b""
        with pytest.raises(httpx2.RemoteProtocolError):
            async with here.post(f"{dialect}/{path}") as got:
                async for chunk in got.aiter_raw():
                    received += chunk
        assert received == stream[0]
        assert here.codes() == ["model_broke_off"]
        assert "broke off in the middle" in here.problems()[0].message


async def test_a_document_that_is_cut_off_is_cut_off_below() -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(response("200 OK", b'{"choices": []}').replace(b": 15\r", b": 99\r"))

    async with upstream(answer) as above, house(provider("openai", above.url)) as here:
        with pytest.raises(httpx2.RemoteProtocolError):
            async with here.post("openai/v1/chat/completions") as got:
                await got.aread()
        assert here.codes() == ["model_broke_off"]


async def test_a_whole_answer_is_whole_however_the_connection_ends() -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + b"".join(map(chunked, OPENAI_STREAM)))  # and no last chunk

    async with upstream(answer) as above, house(provider("openai", above.url)) as here:
        async with here.post("openai/v1/chat/completions") as got:
            assert await got.aread() == b"".join(OPENAI_STREAM)
        assert here.codes() == []


@pytest.mark.parametrize(
    ("dialect", "event"),
    [
        ("openai", b'data: {"error":{"message":"overloaded now"}}\n\n'),
        ("anthropic", b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error",'
         b'"message":"overloaded now"}}\n\n'),
        ("gemini", b'data: {"error":{"code":503,"message":"overloaded now"}}\n\n'),
    ],
)  # fmt: skip
async def test_an_error_within_a_stream_is_told(dialect: Dialect, event: bytes) -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + chunked(event) + CHUNKED_END)

    async with upstream(answer) as above, house(provider(dialect, above.url)) as here:
        async with here.post(f"{dialect}/{PATHS[dialect]}") as got:
            assert await got.aread() == event
        assert here.codes() == ["model_failed"]
        assert here.problems()[0].detail == "overloaded now"


async def test_a_redirection_is_not_followed_and_names_the_variable() -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(response("301 Moved", b"", "location: https://elsewhere.test/v1"))

    async with upstream(answer) as above, house(provider("openai", above.url)) as here:
        async with here.post("openai/v1/chat/completions") as got:
            assert got.status_code == 502
        (problem,) = here.problems()
        assert "OPENAI_BASE_URL" in (problem.remedy or "")
        assert problem.detail == "https://elsewhere.test/v1"


async def test_repeats_within_a_turn_are_one_event() -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(response("429 Too Many Requests", b"{}"))

    async with upstream(answer) as above, house(provider("openai", above.url)) as here:
        for turn in ("t_1", "t_1", "t_1", "t_2"):
            here.turn_id = turn
            async with here.post("openai/v1/chat/completions") as got:
                await got.aread()
        assert here.codes() == ["model_rate_limited"] * 2


async def test_without_a_turn_repeats_are_gathered_by_time() -> None:
    told: list[Event] = []
    now = [0.0]

    class Noting:
        async def note(self, session_id: str, event: Event) -> None:
            told.append(event)

    log = ProblemLog(Noting(), clock=lambda: now[0])
    who = provider("openai", "http://a.test")
    for at in (0.0, 1.0, GATHER_SECONDS + 1):
        now[0] = at
        await log.tell("s_1", None, who, unreachable(who, "no"))
    assert len(told) == 2
