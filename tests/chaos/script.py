"""What the agent is to do in each turn, and the model that has it do that.

A prompt names its turn and its kind: `Do 2-007 (work).` The model answers by what it is shown: the
newest such prompt, and how many tools have answered since (one that was stopped has not). So
whoever asks again, after whatever was killed, gets the same step again.
"""

import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Kind = Literal["talk", "work", "slow"]
KINDS: tuple[Kind, ...] = ("talk", "work", "slow")

PROMPT = re.compile(r"Do (\d+-\d+) \((\w+)\)\.")
JOURNAL = "journal.txt"
LINES = 3
"""Of the journal, that each working turn writes."""

PIECE_SECONDS = 0.03

_STOPPED = re.compile("Tool execution aborted|User aborted the command")
"""What OpenCode tells the model of a tool that it stopped with the answer that called it."""


def prompt_of(turn: str, kind: Kind) -> str:
    return f"Do {turn} ({kind})."


def words(turn: str, count: int) -> str:
    return " ".join(f"{turn}:{n}" for n in range(1, count + 1)) + "."


@dataclass(frozen=True)
class Say:
    text: str


@dataclass(frozen=True)
class Call:
    tool: str
    arguments: dict[str, Any]


Step = tuple[Say | Call, ...]


def steps_of(turn: str, kind: str) -> list[Step]:
    """What the model answers, step by step; each but the last calls a tool."""
    if kind == "talk":
        return [(Say(words(turn, 60)),)]
    if kind == "slow":
        return [
            (
                Say(f"{turn} waits."),
                _bash(f"for n in 1 2 3 4 5 6; do echo {turn}-$n; sleep .3; done"),
            ),
            (Say(words(turn, 10)),),
        ]
    journal = f"for n in $(seq {LINES}); do echo {turn}-$n >>{JOURNAL}; sleep .2; done; echo wrote"
    note = {"filePath": f"/workspace/notes/{turn}.md", "content": f"# {turn}\n"}
    return [
        (Say(f"{turn} works."), _bash(journal)),
        (Call("write", note),),
        (Say(words(turn, 30)),),
    ]


def _bash(command: str) -> Call:
    return Call("bash", {"command": command, "description": "As the script says"})


@dataclass(frozen=True)
class Asked:
    """A request, as far as it is evidence: the turns whose prompts it holds, in order."""

    turns: tuple[str, ...]
    step: int
    at: float


@dataclass
class Record:
    """What the model was asked, oldest first."""

    requests: list[Asked] = field(default_factory=list[Asked])
    strange: list[str] = field(default_factory=list[str])
    """Requests that no prompt of ours explains."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, body: dict[str, Any]) -> Step:
        """Write a request down; gives the step that is due."""
        turns: list[str] = []
        step, kind = 0, ""
        for message in body["messages"]:
            if message["role"] == "tool" and not _STOPPED.search(_text(message)):
                step += 1
            elif message["role"] == "user" and (found := PROMPT.search(_text(message))):
                turns.append(found[1])
                step, kind = 0, found[2]
        with self._lock:
            if not turns:
                self.strange.append(json.dumps(body["messages"])[:500])
                return (Say("Nothing."),)
            self.requests.append(Asked(tuple(turns), step, time.time()))
        steps = steps_of(turns[-1], kind)
        return steps[min(step, len(steps) - 1)]


class Model:
    """The model's server, which outlives everything else. `url` is its base URL."""

    def __init__(self) -> None:
        self.record = Record()
        record = self.record

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_request(self, code: object = "-", size: object = "-") -> None:
                del code, size

            def do_GET(self) -> None:
                body = json.dumps({"object": "list", "data": [{"id": "chaos"}]}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                step = record.add(body)
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("connection", "close")
                self.end_headers()
                self.close_connection = True
                try:
                    for chunk in chunks(step):
                        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
                        self.wfile.flush()
                        time.sleep(PIECE_SECONDS)
                    self.wfile.write(b"data: [DONE]\n\n")
                except OSError:
                    pass  # whoever asked was killed

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def chunks(step: Step) -> Iterator[dict[str, Any]]:
    called = False
    for index, part in enumerate(step):
        if isinstance(part, Say):
            for word in part.text.split():
                yield _chunk({"content": f"{word} "})
        else:
            called = True
            function = {"name": part.tool, "arguments": json.dumps(part.arguments)}
            call = {"index": index, "id": f"call_{time.monotonic_ns()}", "type": "function"}
            yield _chunk({"tool_calls": [{**call, "function": function}]})
    usage = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
    yield {**_chunk({}, "tool_calls" if called else "stop"), "usage": usage}


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "choices": [choice]}


def _text(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return " ".join(str(part.get("text", "")) for part in content)
