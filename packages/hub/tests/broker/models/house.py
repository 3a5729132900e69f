"""A models door on loopback, with what it noted, and the streams of the providers."""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import httpx2
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bunkhouse.broker.demo import DEMO_BASE_URL, DemoModel
from bunkhouse.broker.models import Dialect, ModelsDoor, Provider
from bunkhouse_protocol.events import Event, Problem

from ..serving import serve

KEY = "sk-the-real-key-0123456789abcdef"
TOKEN = "bht_the_sandbox_token_0123456789"

OPENAI_STREAM = [
    b'data: {"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,'
    b'"delta":{"role":"assistant","content":"Gr\xc3\xbc"},"finish_reason":null}]}\n\n',
    b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"\xc3\x9fe"},'
    b'"finish_reason":null}]}\n\n',
    b'data: {"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    b'data: {"id":"c1","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7}}\n\n',
    b"data: [DONE]\n\n",
]
RESPONSES_STREAM = [
    b'event: response.created\ndata: {"type":"response.created","response":{"id":"r"}}\n\n',
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta",'
    b'"delta":"Hello"}\n\n',
    b'event: response.completed\ndata: {"type":"response.completed","response":{"id":"r",'
    b'"usage":{"input_tokens":11,"output_tokens":7}}}\n\n',
]
ANTHROPIC_STREAM = [
    b'event: message_start\r\ndata: {"type":"message_start","message":{"id":"m","usage":'
    b'{"input_tokens":4,"cache_creation_input_tokens":5,"cache_read_input_tokens":2,'
    b'"output_tokens":1}}}\r\n\r\n',
    b'event: ping\ndata: {"type":"ping"}\n\n',
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":'
    b'{"type":"text_delta","text":"Hello"}}\n\n',
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
    b'"usage":{"output_tokens":7}}\n\n',
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
]
GEMINI_STREAM = [
    b'data: {"candidates":[{"content":{"parts":[{"text":"Hel"}]}}],"usageMetadata":'
    b'{"promptTokenCount":11}}\r\n\r\n',
    b'data: {"candidates":[{"content":{"parts":[{"text":"lo"}]},"finishReason":"STOP"}],'
    b'"usageMetadata":{"promptTokenCount":11,"candidatesTokenCount":5,"thoughtsTokenCount":2}}'
    b"\r\n\r\n",
]
PATHS: dict[Dialect, str] = {
    "openai": "v1/chat/completions",
    "anthropic": "v1/messages",
    "gemini": "v1beta/models/gemini-3.6-flash:streamGenerateContent",
}
STREAMS: list[tuple[Dialect, str, list[bytes]]] = [
    ("openai", PATHS["openai"], OPENAI_STREAM),
    ("openai", "v1/responses", RESPONSES_STREAM),
    ("anthropic", PATHS["anthropic"], ANTHROPIC_STREAM),
    ("gemini", PATHS["gemini"], GEMINI_STREAM),
]


def provider(dialect: Dialect, base_url: str, *, key: str | None = KEY) -> Provider:
    """A provider at an address of the test."""
    names = {"openai": "OpenAI", "anthropic": "Anthropic", "gemini": "Gemini"}
    return Provider(
        id=dialect,
        name=names[dialect],
        dialect=dialect,
        base_url=base_url,
        key=SecretStr(key) if key else None,
        enabled=True,
        how="",
        key_variable=f"{dialect.upper()}_API_KEY",
        url_variable=f"{dialect.upper()}_BASE_URL",
    )


DEMO = Provider(
    id="demo",
    name="Demo (scripted)",
    dialect="openai",
    base_url=DEMO_BASE_URL,
    key=None,
    enabled=True,
    how="",
    key_variable=None,
    url_variable=None,
    scripted=True,
)


@dataclass
class House:
    """The door as a sandbox has it."""

    client: httpx2.AsyncClient
    providers: dict[str, Provider]
    noted: list[tuple[str, Event]] = field(default_factory=list[tuple[str, Event]])
    turn_id: str | None = None

    async def note(self, session_id: str, event: Event) -> None:
        self.noted.append((session_id, event))

    def problems(self) -> list[Problem]:
        return [event for _, event in self.noted if isinstance(event, Problem)]

    def codes(self) -> list[str]:
        return [problem.code for problem in self.problems()]

    def post(self, where: str, body: bytes = b'{"model":"m-1","stream":true}', **headers: str):
        """A streamed request of the sandbox, with its token."""
        fields = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.stream("POST", where, content=body, headers={**fields, **names})


@contextlib.asynccontextmanager
async def house(
    *providers: Provider, idle_seconds: float = 20, body_bytes: int = 1024 * 1024
) -> AsyncGenerator[House]:
    """Run a door that knows these providers."""
    known = {entry.id: entry for entry in (*providers, DEMO)}
    async with httpx2.AsyncClient(timeout=20, trust_env=False) as client:
        here = House(client, known)
        door = ModelsDoor(
            here,
            connect_seconds=5,
            idle_seconds=idle_seconds,
            demo=DemoModel(0),
            body_bytes=body_bytes,
        )

        async def models(request: Request) -> Response:
            return await door.relay(
                request,
                provider=here.providers[request.path_params["provider"]],
                path=request.path_params["path"],
                session_id="s_1",
                turn_id=here.turn_id,
            )

        route = Route("/models/{provider}/{path:path}", models, methods=["GET", "POST", "DELETE"])
        try:
            async with serve(Starlette(routes=[route])) as url:
                client.base_url = httpx2.URL(f"{url}/models/")
                yield here
        finally:
            await door.aclose()
