"""Reads a provider's answer as it passes by, without changing a byte of it.

Two things are to be known: what was used (tokens), and whether the answer came to its proper end. A
stream of server-sent events that just stops looks whole to HTTP where the server closed politely,
and an agent would take half a sentence for the whole.
"""

import json
from typing import Any, cast

from bunkhouse.broker.models.providers import Dialect

LINE_BYTES = 8 * 1024 * 1024
"""A longer line of a stream, or a longer document, passes unread."""

Json = dict[str, Any]


class Meter:
    """Is fed the bytes of one answer; knows its usage and whether it ended properly."""

    def __init__(self, dialect: Dialect, content_type: str, *, readable: bool = True) -> None:
        """`readable` false: the bytes are compressed, nothing can be said of them."""
        self._dialect = dialect
        self._is_stream = content_type.partition(";")[0].strip() == "text/event-stream"
        self._readable = readable
        self._buffer = bytearray()
        self._searched = 0
        self._skipping = False
        self._ended = False
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.error: str | None = None
        """What an error within the stream said: it came after the status, which was fine."""

    def feed(self, chunk: bytes) -> None:
        """More bytes have passed."""
        if not self._readable:
            return
        self._buffer += chunk
        if not self._is_stream:
            self._readable = len(self._buffer) <= LINE_BYTES
            return
        while (end := self._buffer.find(b"\n", self._searched)) >= 0:
            line = bytes(self._buffer[:end]).rstrip(b"\r")
            del self._buffer[: end + 1]
            self._searched = 0
            if not self._skipping and line.startswith(b"data:"):
                self._event(line[5:].strip())
            self._skipping = False
        self._searched = len(self._buffer)
        if len(self._buffer) > LINE_BYTES:
            self._buffer.clear()
            self._searched = 0
            self._skipping = True
            self._ended = True  # the proper end may be in what is not read

    def close(self) -> bool | None:
        """No more bytes will come. Returns whether the answer ended properly; None: can't tell."""
        if not self._readable:
            return None
        if self._is_stream:
            if self._buffer and not self._skipping and self._buffer.startswith(b"data:"):
                self._event(bytes(self._buffer[5:]).strip())
            return self._ended
        self._document(_object(bytes(self._buffer)))
        return None

    def _event(self, data: bytes) -> None:
        if data == b"[DONE]":
            self._ended = True
            return
        self._document(_object(data))

    def _document(self, document: Json) -> None:
        if not document:
            return
        if self._dialect == "anthropic":
            self._anthropic(document)
        elif self._dialect == "gemini":
            self._gemini(document)
        else:
            self._openai(document)

    def _openai(self, document: Json) -> None:
        # Chat completions mark the end in a choice; responses are events with a `type`.
        if any(choice.get("finish_reason") for choice in _objects(document.get("choices"))):
            self._ended = True
        kind = document.get("type")
        response = _dict(document.get("response"))
        if kind in ("response.completed", "response.incomplete", "response.failed"):
            self._ended = True
        failure = document.get("error") or response.get("error")
        if failure or kind == "error":
            self._fail(failure or document)
        usage = _dict(document.get("usage")) or _dict(response.get("usage"))
        self._use(
            usage.get("prompt_tokens", usage.get("input_tokens")),
            usage.get("completion_tokens", usage.get("output_tokens")),
        )

    def _anthropic(self, document: Json) -> None:
        kind = document.get("type")
        if kind == "message_stop":
            self._ended = True
        elif kind == "error":
            self._fail(document.get("error"))
        usage = _dict(document.get("usage")) or _dict(_dict(document.get("message")).get("usage"))
        parts = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        counted = [usage[part] for part in parts if isinstance(usage.get(part), int)]
        self._use(sum(counted) if counted else None, usage.get("output_tokens"))

    def _gemini(self, document: Json) -> None:
        blocked = _dict(document.get("promptFeedback")).get("blockReason")
        finished = any(c.get("finishReason") for c in _objects(document.get("candidates")))
        if blocked or finished:
            self._ended = True
        if document.get("error"):
            self._fail(document["error"])
        usage = _dict(document.get("usageMetadata"))
        parts = ("candidatesTokenCount", "thoughtsTokenCount")
        counted = [usage[part] for part in parts if isinstance(usage.get(part), int)]
        self._use(usage.get("promptTokenCount"), sum(counted) if counted else None)

    def _use(self, used_in: object, used_out: object) -> None:
        if isinstance(used_in, int):
            self.input_tokens = used_in
        if isinstance(used_out, int):
            self.output_tokens = used_out

    def _fail(self, failure: object) -> None:
        self._ended = True
        self.error = error_message(failure) or "no reason given"


def error_message(body: object) -> str | None:
    """What an error of any provider says, from its parsed body or a part of it."""
    if isinstance(body, str):
        return body or None
    if isinstance(body, list):  # Gemini answers a stream's error as a list of one
        return next(
            (found for part in cast("list[object]", body) if (found := error_message(part))), None
        )
    if not isinstance(body, dict):
        return None
    fields = cast("Json", body)
    return next(
        (
            found
            for name in ("message", "error", "detail")
            if (found := error_message(fields.get(name)))
        ),
        None,
    )


def _object(data: bytes) -> Json:
    try:
        return _dict(json.loads(data))
    except ValueError:
        return {}


def _dict(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _objects(value: object) -> list[Json]:
    return (
        [_dict(entry) for entry in cast("list[object]", value)] if isinstance(value, list) else []
    )
