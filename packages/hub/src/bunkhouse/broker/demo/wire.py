"""The demo model's answer in the shape of chat completions, as a stream or as one document."""

import asyncio
import json
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from bunkhouse.broker.demo.conversation import CALL_ID
from bunkhouse.broker.demo.reply import Failure, Reply

DEMO_MODELS = ("demo",)

Json = dict[str, Any]

_WORD = re.compile(r"\s*\S+\s*")


class BrokenOff(Exception):
    """The script wants the connection to break off here."""


class Pace:
    """Lets words out evenly, by the clock and not by adding up naps."""

    def __init__(
        self,
        words_per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`words_per_second` 0: as fast as can be."""
        self._interval = 1 / words_per_second if words_per_second > 0 else 0.0
        self._clock = clock
        self._sleep = sleep
        self._due: float | None = None

    async def word(self) -> None:
        """Wait until the next word is due."""
        now = self._clock()
        due = now if self._due is None else self._due
        self._due = due + self._interval
        await self._sleep(max(0.0, due - now))


def words(text: str) -> list[str]:
    """The text in words; put together they are the text again."""
    return _WORD.findall(text)


def _usage(reply: Reply, words_in: int) -> Json:
    # About four tokens for three words, as tokenisers have it.
    arguments = sum(len(json.dumps(call.arguments)) for call in reply.calls)
    spoken = len(words(reply.text)) + len(words(reply.thought)) + arguments // 5
    used_in, used_out = words_in * 4 // 3, spoken * 4 // 3
    return {
        "prompt_tokens": used_in,
        "completion_tokens": used_out,
        "total_tokens": used_in + used_out,
    }


def _calls(reply: Reply, step: int) -> list[Json]:
    return [
        {
            "id": CALL_ID.format(step=step, place=place, salt=secrets.token_hex(4)),
            "type": "function",
            "function": {"name": call.tool, "arguments": json.dumps(call.arguments)},
        }
        for place, call in enumerate(reply.calls)
    ]


def _head(kind: str) -> Json:
    return {
        "id": f"chatcmpl-demo-{secrets.token_hex(8)}",
        "object": kind,
        "created": int(time.time()),
        "model": DEMO_MODELS[0],
    }


def document(reply: Reply, step: int, words_in: int) -> bytes:
    """The whole answer at once."""
    message: Json = {"role": "assistant", "content": reply.text or None}
    if reply.thought:
        message["reasoning_content"] = reply.thought
    if reply.calls:
        message["tool_calls"] = _calls(reply, step)
    reason = "tool_calls" if reply.calls else "stop"
    return json.dumps(
        {
            **_head("chat.completion"),
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": _usage(reply, words_in),
        }
    ).encode()


async def stream(reply: Reply, step: int, words_in: int, pace: Pace) -> AsyncIterator[bytes]:
    """The answer word by word, as server-sent events. Raises `BrokenOff` where the script says."""
    head = _head("chat.completion.chunk")

    def event(delta: Json, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _event({**head, "choices": [choice]})

    yield event({"role": "assistant", "content": ""})
    for name, text in (("reasoning_content", reply.thought), ("content", reply.text)):
        for word in words(text):
            await pace.word()
            yield event({name: word})
    if reply.ending == "break":
        raise BrokenOff
    if reply.ending == "hang":
        await asyncio.Event().wait()
    for index, call in enumerate(_calls(reply, step)):
        function: Json = call["function"]
        begun = {**call, "function": {"name": function["name"], "arguments": ""}}
        yield event({"tool_calls": [{"index": index, **begun}]})
        arguments = str(function["arguments"])
        for at in range(0, len(arguments), 256):
            piece = {"arguments": arguments[at : at + 256]}
            yield event({"tool_calls": [{"index": index, "function": piece}]})
    yield event({}, "tool_calls" if reply.calls else "stop")
    yield _event({**head, "choices": [], "usage": _usage(reply, words_in)})
    yield b"data: [DONE]\n\n"


def _event(data: Json) -> bytes:
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"


def failure(failed: Failure) -> bytes:
    """The body of an error."""
    error = {"message": failed.message, "type": failed.kind, "param": None, "code": failed.kind}
    return json.dumps({"error": error}).encode()


def models() -> bytes:
    """The answer to `GET /v1/models`."""
    data = [
        {"id": name, "object": "model", "created": 0, "owned_by": "bunkhouse"}
        for name in DEMO_MODELS
    ]
    return json.dumps({"object": "list", "data": data}).encode()
