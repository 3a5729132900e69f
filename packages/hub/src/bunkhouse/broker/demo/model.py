"""The demo model: answers one request of the chat completions API."""

import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, cast

from bunkhouse.broker.demo import wire
from bunkhouse.broker.demo.conversation import BadRequest, read_turn
from bunkhouse.broker.demo.reply import Failure
from bunkhouse.broker.demo.scripts import play

REMEMBERED = 1024
"""Turns of which it is known how often they were attempted (for `error` and `breakoff`)."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. Its stream may raise `wire.BrokenOff`."""

    status: int
    content_type: str
    stream: AsyncIterator[bytes]
    headers: dict[str, str] = field(default_factory=dict[str, str])


class _Attempts:
    def __init__(self) -> None:
        self._counts: OrderedDict[str, int] = OrderedDict()

    def count(self, key: str) -> int:
        self._counts[key] = self._counts.get(key, 0) + 1
        self._counts.move_to_end(key)
        while len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)
        return self._counts[key]


class DemoModel:
    """A scripted model, which says so in its first words."""

    def __init__(
        self, words_per_second: float, *, pace: Callable[[float], wire.Pace] = wire.Pace
    ) -> None:
        self._words_per_second = words_per_second
        self._pace = pace
        self._attempts = _Attempts()

    def answer(self, method: str, path: str, body: bytes, conversation: str = "") -> Answer:
        """Answer a request; `path` is below `/v1`, `conversation` tells sessions apart."""
        if method == "GET" and path == "/models":
            return _whole(200, wire.models())
        if method != "POST" or path != "/chat/completions":
            return _failed(Failure(404, f"The demo model has no {path}.", "not_found"))
        try:
            request: object = json.loads(body)
            turn = read_turn(request, conversation)
        except (ValueError, BadRequest) as error:
            return _failed(Failure(400, f"Not understood: {error}", "invalid_request_error"))
        reply = play(turn, self._attempts)
        if reply.failure is not None:
            return _failed(reply.failure)
        if not cast("dict[str, Any]", request).get("stream") and reply.ending == "whole":
            return _whole(200, wire.document(reply, turn.step, turn.words_in))
        speed = self._words_per_second if reply.speed is None else reply.speed
        events = wire.stream(reply, turn.step, turn.words_in, self._pace(speed))
        return Answer(200, "text/event-stream", events, {"cache-control": "no-cache"})


def _failed(failed: Failure) -> Answer:
    headers = {} if failed.retry_after is None else {"retry-after": str(failed.retry_after)}
    return _whole(failed.status, wire.failure(failed), headers)


def _whole(status: int, body: bytes, headers: dict[str, str] | None = None) -> Answer:
    async def once() -> AsyncIterator[bytes]:
        yield body

    fields = {"content-length": str(len(body)), **(headers or {})}
    return Answer(status, "application/json", once(), fields)
