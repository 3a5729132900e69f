"""A model that does what a test tells it to: OpenAI's chat completions over real HTTP.

Each request takes the next `Reply` of the script; a reply is a list of steps. Steps wait for
`Gate`s where a test must see something before the answer goes on, so no test has to sleep.
"""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import override

from . import tools_server


@dataclass
class Text:
    """Words of the answer, sent in pieces of `size` characters, `pause` seconds apart."""

    text: str
    size: int = 40
    pause: float = 0.0


@dataclass
class Thought:
    """The same, as `reasoning_content`."""

    text: str
    size: int = 40


@dataclass
class Call:
    """A call of one tool. With `complete` false only the first half of its arguments is sent."""

    tool: str
    arguments: Mapping[str, Any]
    id: str | None = None
    complete: bool = True


@dataclass
class Finish:
    """The last chunk with its reason and the usage; `[DONE]` follows."""

    reason: str | None = None
    input_tokens: int = 11
    output_tokens: int = 7


@dataclass
class Gate:
    """Waits until the test opens it."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    def open(self) -> None:
        self.opened.set()


@dataclass
class Reset:
    """Breaks the TCP connection off with RST."""


@dataclass
class Drop:
    """Closes the TCP connection (FIN) in the middle of the answer, as a dying hub does."""


@dataclass
class Cut:
    """Ends the answer in good order of HTTP, with neither `finish_reason` nor `[DONE]`."""


@dataclass
class Status:
    """Answers with an error instead."""

    code: int
    message: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


Step = Text | Thought | Call | Finish | Gate | Reset | Drop | Cut | Status
Reply = Sequence[Step]


class ModelServer:
    """The server; `url` is its base URL, `requests` what it was asked, oldest first."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.authorizations: list[str] = []
        self.keys: list[str] = []
        self.tool_calls: list[dict[str, Any]] = []
        self.tool_tokens: list[str] = []
        """What was asked of the hub's tools, which are beside the models, and by whose token."""
        self.tools_refuse = False
        self.tools_down = False
        self.visited = asyncio.Event()
        self._script: list[Reply] = []
        self._server: asyncio.Server | None = None
        self._port = 0
        self._calls = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def script(self, *replies: Reply) -> None:
        """Replace what is left of the script; where it ends, the answer is "Done."."""
        self.requests.clear()
        self.authorizations.clear()
        self.keys.clear()
        self.visited.clear()
        self._script = list(replies)

    @property
    def visit_command(self) -> str:
        """A command of bash's that sets `visited`."""
        request = r"GET / HTTP/1.1\r\n\r\n"
        return f"exec 3<>/dev/tcp/127.0.0.1/{self._port}; printf '{request}' >&3; cat <&3"

    @property
    def left(self) -> int:
        return len(self._script)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse connections from now on; `start` takes the same port again."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = {
                name.strip().lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
            }
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            if head.startswith("POST /sandbox/tools "):
                self._tool(json.loads(body), headers, writer)
            elif head.startswith("POST"):
                if "authorization" in headers:
                    self.authorizations.append(headers["authorization"])
                self.keys += [headers[k] for k in ("x-api-key", "x-goog-api-key") if k in headers]
                self.requests.append({"path": head.split()[1], **json.loads(body)})
                reply = self._script.pop(0) if self._script else (Text("Done."), Finish())
                await self._answer(reply, writer)
            else:
                self.visited.set()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            await writer.drain()
        writer.close()

    def _tool(
        self, message: dict[str, Any], headers: Mapping[str, str], writer: asyncio.StreamWriter
    ) -> None:
        if self.tools_down:
            writer.write(b"HTTP/1.1 503 Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return
        self.tool_tokens.append(headers.get("authorization", ""))
        if message["method"] == "tools/call":
            called = message["params"]
            self.tool_calls.append({"name": called["name"], "arguments": called["arguments"]})
        writer.write(tools_server.answered(message, refuses=self.tools_refuse))

    async def _answer(self, reply: Reply, writer: asyncio.StreamWriter) -> None:
        if isinstance(reply[0], Status):
            self._refuse(reply[0], writer)
            return
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        called = False
        for index, step in enumerate(reply):
            called = called or isinstance(step, Call)
            match step:
                case Gate():
                    await writer.drain()
                    step.reached.set()
                    await step.opened.wait()
                case Reset():
                    await writer.drain()
                    raw = writer.get_extra_info("socket")
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    writer.transport.abort()
                    return
                case Drop():
                    return
                case Cut():
                    writer.write(b"0\r\n\r\n")
                    return
                case _:
                    async for data in self._chunks(step, index, called):
                        line = f"data: {json.dumps(data)}\n\n".encode()
                        writer.write(b"%x\r\n%s\r\n" % (len(line), line))
                        await writer.drain()
        writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")

    async def _chunks(self, step: Step, index: int, called: bool) -> AsyncIterator[dict[str, Any]]:
        match step:
            case Text():
                for start in range(0, len(step.text), step.size):
                    yield _delta({"content": step.text[start : start + step.size]})
                    await asyncio.sleep(step.pause)
            case Thought():
                for start in range(0, len(step.text), step.size):
                    yield _delta({"reasoning_content": step.text[start : start + step.size]})
            case Call():
                self._calls += 1
                arguments = json.dumps(step.arguments)
                sent = arguments if step.complete else arguments[: len(arguments) // 2]
                function = {"name": step.tool, "arguments": sent}
                id_ = step.id or f"call_{self._calls}"
                call = {"index": index, "id": id_, "type": "function", "function": function}
                yield _delta({"tool_calls": [call]})
            case Finish():
                reason = step.reason or ("tool_calls" if called else "stop")
                usage = {
                    "prompt_tokens": step.input_tokens,
                    "completion_tokens": step.output_tokens,
                    "total_tokens": step.input_tokens + step.output_tokens,
                }
                yield {**_delta({}, reason), "usage": usage}
            case _:
                raise AssertionError(step)

    @staticmethod
    def _refuse(step: Status, writer: asyncio.StreamWriter) -> None:
        error = {"message": step.message, "type": "error", "code": None}
        body = json.dumps({"error": error}).encode()
        extra = "".join(f"{name}: {value}\r\n" for name, value in step.headers.items())
        head = (
            f"HTTP/1.1 {step.code} Refused\r\ncontent-type: application/json\r\n{extra}"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)

    @override
    def __repr__(self) -> str:
        return f"<ModelServer {self.url}>"


def _delta(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {
        "id": "chatcmpl-test",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "test",
        "choices": [choice],
    }
