"""What passes through the models door: every byte, no credential of either side."""

import asyncio
import json

import httpx2
import pytest
from structlog.testing import capture_logs

from bunkhouse.broker.models import Dialect

from ..serving import CHUNKED_END, STREAM_HEAD, Asked, chunked, response, upstream
from .house import KEY, OPENAI_STREAM, PATHS, STREAMS, TOKEN, house, provider


@pytest.mark.parametrize(("dialect", "path", "stream"), STREAMS)
async def test_a_stream_passes_byte_for_byte_as_it_comes(
    dialect: Dialect, path: str, stream: list[bytes]
) -> None:
    seen: asyncio.Queue[None] = asyncio.Queue()

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD)
        for event in stream:
            # Cut in the middle, and go on only when the first half has arrived downstream.
            for piece in (event[: len(event) // 2], event[len(event) // 2 :]):
                writer.write(chunked(piece))
                await writer.drain()
                await seen.get()
        writer.write(CHUNKED_END)
        await writer.drain()

    async with upstream(answer) as above, house(provider(dialect, above.url)) as here:
        received = b""
        with capture_logs() as logged:
            async with here.post(f"{dialect}/{path}") as got:
                assert got.status_code == 200
                assert got.headers["content-type"] == "text/event-stream; charset=utf-8"
                assert got.headers["x-request-id"] == "req_1"
                assert "set-cookie" not in got.headers
                async for chunk in got.aiter_raw():
                    received += chunk
                    seen.put_nowait(None)
        assert received == b"".join(stream)
        assert here.codes() == []
        call = next(entry for entry in logged if entry["event"] == "model_call")
        assert (call["outcome"], call["status"], call["session"]) == ("ok", 200, "s_1")
        assert (call["input_tokens"], call["output_tokens"]) == (11, 7)
        assert KEY not in repr(logged)
        assert TOKEN not in repr(logged)


FORMS: list[tuple[Dialect, dict[str, str], str]] = [
    ("openai", {"authorization": f"Bearer {TOKEN}"}, ""),
    ("openai", {"api-key": TOKEN, "x-other": f"<{TOKEN}>"}, ""),
    ("anthropic", {"x-api-key": TOKEN, "x-forwarded-for": "10.0.0.1"}, ""),
    ("anthropic", {"authorization": f"Bearer {TOKEN}", "cookie": "a=b"}, "?beta=true"),
    ("gemini", {"x-goog-api-key": TOKEN, "x-goog-user-project": "else"}, "?alt=sse"),
    ("gemini", {}, f"?alt=sse&key={TOKEN}"),
]


@pytest.mark.parametrize(("dialect", "headers", "query"), FORMS)
async def test_the_token_stays_here_and_the_key_goes_up(
    dialect: Dialect, headers: dict[str, str], query: str
) -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(response("200 OK", b'{"ok": true}'))
        await writer.drain()

    async with upstream(answer) as above, house(provider(dialect, above.url)) as here:
        body = json.dumps({"model": "m-1", "text": "ü" * 1000}).encode()
        got = await here.client.post(
            f"{dialect}/{PATHS[dialect]}{query}",
            content=body,
            headers={**headers, "anthropic-version": "2023-06-01", "openai-organization": "org"},
        )
        assert got.json() == {"ok": True}
        assert KEY not in got.text + repr(got.headers)
        (asked,) = above.asked
        assert asked.body == body
        assert asked.headers["content-length"] == str(len(body))
        assert "transfer-encoding" not in asked.headers
        assert TOKEN.encode() not in asked.raw
        assert asked.headers["host"] == above.url.removeprefix("http://")
        assert asked.headers["accept-encoding"] == "identity"
        assert asked.headers["anthropic-version"] == "2023-06-01"
        for name in ("cookie", "x-forwarded-for", "openai-organization", "x-goog-user-project"):
            assert name not in asked.headers
        carried = {
            "openai": asked.headers.get("authorization", "").removeprefix("Bearer "),
            "anthropic": asked.headers.get("x-api-key"),
            "gemini": asked.headers.get("x-goog-api-key"),
        }
        assert carried[dialect] == KEY
        assert sum(value.endswith(KEY) for value in asked.headers.values()) == 1
        assert ("beta=true" in asked.target) == ("beta" in query)
        assert ("alt=sse" in asked.target) == ("alt" in query)


async def test_a_server_without_a_key_gets_none() -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(response("200 OK", b"{}"))

    async with upstream(answer) as above:
        keyless = provider("openai", f"{above.url}/v1", key=None)
        async with house(keyless) as here, here.post("openai/v1/chat/completions") as got:
            assert got.status_code == 200
        assert above.asked[0].target == "/v1/chat/completions"
        assert "authorization" not in above.asked[0].headers


async def test_cookies_of_one_session_do_not_reach_the_next() -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(response("200 OK", b"{}", "set-cookie: who=first; Path=/"))

    async with upstream(answer) as above, house(provider("openai", above.url)) as here:
        for _ in range(2):
            async with here.post("openai/v1/chat/completions") as got:
                await got.aread()
        assert [("cookie" in asked.headers) for asked in above.asked] == [False, False]


async def test_a_body_without_a_length_is_streamed_up() -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(response("200 OK", b"{}"))

    async def body():
        yield b'{"model":'
        yield b'"m-1"}'

    async with upstream(answer) as above, house(provider("openai", above.url)) as here:
        got = await here.client.post("openai/v1/chat/completions", content=body())
        assert got.status_code == 200
        assert above.asked[0].headers["transfer-encoding"] == "chunked"
        assert above.asked[0].body == b'{"model":"m-1"}'


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini"])
@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_that_is_too_large_is_refused(dialect: Dialect, announced: bool) -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        raise AssertionError("the request was whole")

    async def body():
        for _ in range(64):
            yield b"x" * 1024

    async with upstream(answer) as above:
        async with house(provider(dialect, above.url), body_bytes=4096) as here:
            got = await here.client.post(
                f"{dialect}/{PATHS[dialect]}", content=b"x" * 65536 if announced else body()
            )
        assert got.status_code == 413
        assert "larger than" in got.json()["error"]["message"]
        assert above.asked == []


async def test_a_client_that_leaves_ends_the_request_above() -> None:
    arrived = asyncio.Event()

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if b"later" in asked.body:
            arrived.set()
            await asyncio.Event().wait()
        writer.write(STREAM_HEAD + chunked(OPENAI_STREAM[0]))
        await writer.drain()
        await asyncio.Event().wait()

    async with upstream(answer) as above, house(provider("openai", above.url)) as here:
        async with here.post("openai/v1/chat/completions") as got:
            async for _ in got.aiter_raw():
                break
        await asyncio.wait_for(above.gone.wait(), 60)

        above.gone.clear()
        before = asyncio.ensure_future(
            here.client.post("openai/v1/chat/completions", content=b'{"model":"later"}')
        )
        await asyncio.wait_for(arrived.wait(), 60)
        before.cancel()
        await asyncio.wait_for(above.gone.wait(), 60)
        assert here.codes() == []


async def test_what_a_key_opens_besides_models_is_not_reachable() -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        raise AssertionError("it arrived")

    refused = (
        ("openai", "POST", "v1/files"),
        ("openai", "GET", "v1/organization/admin_api_keys"),
        ("openai", "DELETE", "v1/models/m-1"),
        ("openai", "GET", "v1/responses/resp_1"),
        ("openai", "POST", "v1/chat/completions/../../files"),
        ("openai", "GET", "v1/models/%2e%2e/files"),
        ("openai", "GET", "v1/models/..%2ffiles"),
        ("openai", "POST", "v1//evil.test/chat/completions"),
        ("anthropic", "POST", "v1/messages/batches"),
        ("anthropic", "GET", "v1/organizations/users"),
        ("gemini", "POST", "v1beta/files"),
        ("gemini", "POST", "v1beta/models/m-1:batchGenerateContent"),
        ("gemini", "POST", "v1beta/tunedModels/t:generateContent"),
    )
    dialects: list[Dialect] = ["openai", "anthropic", "gemini"]
    async with upstream(answer) as above:
        async with house(*(provider(dialect, above.url) for dialect in dialects)) as here:
            for dialect, method, path in refused:
                # A URL as it is: no tidying up by the client.
                target = f"{here.client.base_url.raw_path.decode()}{dialect}/{path}"
                url = here.client.base_url.copy_with(raw_path=target.encode())
                got = await here.client.request(method, httpx2.URL(url))
                assert got.status_code in (403, 404), path
                if got.status_code == 403:
                    assert "not reachable from a sandbox" in got.json()["error"]["message"]
        assert above.asked == []
