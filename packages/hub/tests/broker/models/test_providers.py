"""Which providers there are, by the settings, and what a model's name means."""

import asyncio
from typing import Any

import pytest

from bunkhouse.broker.models import Providers
from bunkhouse.broker.models.dialects import model_named, upstream_url
from bunkhouse.errors import InvalidInput

from ...settled import settled
from ..serving import Asked, response, upstream
from .house import KEY, provider


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC", "OPENAI", "GEMINI"):
        monkeypatch.delenv(f"{name}_API_KEY", raising=False)
        monkeypatch.delenv(f"{name}_BASE_URL", raising=False)


def providers(**values: Any) -> Providers:
    return Providers(settled(**values))


def test_without_keys_there_is_the_demo_model() -> None:
    known = providers()
    assert [entry.id for entry in known.all()] == ["anthropic", "openai", "gemini", "demo"]
    assert [entry.id for entry in known.enabled()] == ["demo"]
    assert known.default() == "demo/demo"
    assert [model.id for model in known.known_models()] == ["demo/demo"]
    assert known.known_models()[0].scripted


def test_a_key_switches_a_provider_on() -> None:
    known = providers(GEMINI_API_KEY=KEY, ANTHROPIC_API_KEY=" ")
    assert [entry.id for entry in known.enabled()] == ["gemini", "demo"]
    assert known.default().startswith("gemini/gemini-")
    assert KEY not in repr(known.all())
    assert providers(GEMINI_API_KEY=KEY, default_model="demo/demo").default() == "demo/demo"


def test_addresses_as_people_write_them() -> None:
    assert providers(OPENAI_BASE_URL="localhost:11434").get("openai").base_url == (
        "http://localhost:11434/v1"
    )
    assert not providers(OPENAI_BASE_URL="").all()[1].enabled
    own = providers(ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL="https://a.test/").get("anthropic")
    assert own.base_url == "https://a.test"
    assert own.models


def test_names_are_taken_apart() -> None:
    known = providers(OPENAI_API_KEY=KEY)
    who, model = known.split("openai/meta-llama/Llama-3:8b")
    assert (who.id, model) == ("openai", "meta-llama/Llama-3:8b")
    for text, code, words in (
        ("foo/bar", "unknown_provider", "Known: `anthropic`, `openai`, `gemini`, `demo`"),
        ("anthropic/claude-sonnet-5", "provider_off", "ANTHROPIC_API_KEY"),
        ("gpt-5", "invalid_model", "provider/model"),
        ("openai/", "invalid_model", "provider/model"),
        ("", "invalid_model", "provider/model"),
    ):
        with pytest.raises(InvalidInput) as caught:
            known.split(text)
        assert caught.value.reason == code
        assert words in str(caught.value)
    with pytest.raises(InvalidInput, match="BUNKHOUSE_DEMO"):
        providers(demo=False).split("demo/demo")


async def test_a_server_of_ones_own_needs_no_key_and_says_what_it_has() -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        body = b'{"object":"list","data":[{"id":"qwen3:8b"},{"id":"llama3"}]}'
        writer.write(response("200 OK", body))

    async with upstream(answer) as above:
        known = providers(OPENAI_BASE_URL=above.url + "/")
        openai = known.get("openai")
        assert openai.base_url == above.url + "/v1"  # a bare host means its usual path
        assert openai.name == f"OpenAI-compatible ({above.url.removeprefix('http://')})"
        assert known.default() == "demo/demo"
        await known.refresh()
        assert known.models_of("openai") == ("qwen3:8b", "llama3")
        assert known.default() == "openai/qwen3:8b"
        assert above.asked[0].target == "/v1/models"
    await known.refresh()  # it is gone: what was known stays
    assert known.models_of("openai") == ("qwen3:8b", "llama3")


@pytest.mark.parametrize(
    ("dialect", "base", "path", "url"),
    [
        ("openai", "https://a.test/v1", "v1/chat/completions", "https://a.test/v1/chat/completions"),
        ("openai", "https://a.test/v1", "chat/completions", "https://a.test/v1/chat/completions"),
        ("openai", "https://a.test/api/paas/v4", "v1/responses", "https://a.test/api/paas/v4/responses"),
        ("openai", "https://a.test/v1?api-version=2", "v1/models", "https://a.test/v1/models?api-version=2"),
        ("openai", "https://a.test/v1", "v1/models/a/b:c", "https://a.test/v1/models/a/b:c"),
        ("anthropic", "https://a.test", "v1/messages", "https://a.test/v1/messages"),
        ("anthropic", "https://a.test/v1", "v1/messages", "https://a.test/v1/messages"),
        ("anthropic", "https://a.test/x", "messages/count_tokens", "https://a.test/x/v1/messages/count_tokens"),
        ("gemini", "https://a.test", "v1beta/models/g:generateContent", "https://a.test/v1beta/models/g:generateContent"),
        ("gemini", "https://a.test/v1beta", "v1/models/g:countTokens", "https://a.test/v1/models/g:countTokens"),
        ("gemini", "https://a.test/v1beta", "models/g:streamGenerateContent", "https://a.test/v1beta/models/g:streamGenerateContent"),
    ],
)  # fmt: skip
def test_addresses_by_the_providers_conventions(
    dialect: Any, base: str, path: str, url: str
) -> None:
    method = "GET" if "models" in path and ":g" not in path and "Con" not in path else "POST"
    method = "POST" if "countTokens" in path else method
    assert str(upstream_url(provider(dialect, base), method, path, [])) == url


def test_the_model_is_named_from_the_path_or_the_body() -> None:
    assert model_named("v1beta/models/gemini-x:generateContent", b"") == "gemini-x"
    assert model_named("v1/messages", b'{"max_tokens":1,"model":"claude"') == "claude"
    assert model_named("v1/messages", b"[") is None
