"""What goes wrong is one clear sentence with what to do, and the session stays usable."""

import json
import socket
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from ..hubs import Client, HubProcess, ended, happened, text_of

pytestmark = pytest.mark.engine


def problems(log: list[dict[str, object]]) -> list[str]:
    return [str(event["code"]) for event in log if event["type"] == "error"]


class Upstream(BaseHTTPRequestHandler):
    """A strict OpenAI-compatible server that misbehaves as its model's name says."""

    protocol_version = "HTTP/1.1"
    key: ClassVar[str] = "sk-real-key"
    failed: ClassVar[set[str]] = set()
    gone: ClassVar[threading.Event] = threading.Event()

    def log_request(self, code: object = "-", size: object = "-") -> None:
        del code, size

    def do_GET(self) -> None:
        self._json(200, {"object": "list", "data": [{"id": "fine", "object": "model"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        model = body["model"]
        if self.headers["authorization"] != f"Bearer {self.key}":
            self._json(400, {"error": {"message": "the sandbox's own token came through"}})
        elif model == "badkey":
            self._json(401, {"error": {"message": f"Incorrect API key provided: {self.key}"}})
        elif model == "busy":
            self._json(429, {"error": {"message": "Rate limit reached"}})
        elif model == "silent" and model not in self.failed:
            self.failed.add(model)
            self.gone.wait(120)  # the connection is held, and nothing comes
        elif model == "broken":
            self._json(500, {"error": {"message": "The server had an error"}})
        else:
            self._stream(model)

    def _stream(self, model: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for n in range(1, 6):
            self._chunk({"content": f"word-{n} "})
        if model == "breaks" or (model == "breaks-once" and model not in self.failed):
            self.failed.add(model)
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._chunk({}, "stop")
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def _chunk(self, delta: dict[str, str], finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "choices": [choice]}
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.flush()

    def _json(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture(scope="module")
def upstream() -> Generator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()


@pytest.fixture(scope="module")
def keyed(hub: HubProcess, upstream: str) -> Generator[Client]:
    """A hub with a real key for a provider of the test's."""
    mine = HubProcess(
        hub.data_dir.parent / "errors",
        {"OPENAI_API_KEY": Upstream.key, "OPENAI_BASE_URL": upstream},
    )
    mine.start()
    yield Client(mine)
    mine.stop()


@pytest.fixture(scope="module")
def session(keyed: Client) -> str:
    session = keyed.create(model="openai/fine")
    keyed.until(session, happened("state_changed", state="idle"))
    return session


def turn_with(keyed: Client, session: str, model: str) -> list[dict[str, object]]:
    after = keyed.session(session)["last_seq"]
    prompt = keyed.post(
        f"/api/sessions/{session}/prompts", {"text": "Say something.", "model": f"openai/{model}"}
    )
    return keyed.until(session, ended(prompt["id"]), after=after)


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("badkey", "model_unauthorized"),
        ("busy", "model_rate_limited"),
        ("broken", "model_failed"),
        ("breaks", "model_broke_off"),
    ],
)
def test_a_model_that_fails_is_told_in_words_and_the_session_stays_usable(
    model: str, code: str, keyed: Client, session: str
) -> None:
    log = turn_with(keyed, session, model)
    assert log[-1]["outcome"] == "failed"
    assert code in problems(log), log
    told = next(event for event in log if event["type"] == "error" and event["code"] == code)
    assert told["remedy"]
    assert Upstream.key not in json.dumps(log)
    assert turn_with(keyed, session, "fine")[-1]["outcome"] == "done"


def test_a_stream_that_breaks_off_once_is_taken_up_without_gap_or_repeat(
    keyed: Client, session: str
) -> None:
    log = turn_with(keyed, session, "breaks-once")
    assert log[-1]["outcome"] == "done", log[-1]
    assert text_of(log).split() == [f"word-{n}" for n in range(1, 6)]


def test_a_turn_that_stands_still_is_ended_and_can_be_tried_again(
    hub: HubProcess, upstream: str
) -> None:
    mine = HubProcess(
        hub.data_dir.parent / "stalled",
        {
            "OPENAI_API_KEY": Upstream.key,
            "OPENAI_BASE_URL": upstream,
            "BUNKHOUSE_TURN_STALL_SECONDS": "20",
        },
    )
    mine.start()
    try:
        client = Client(mine)
        session = client.create("Say something.", model="openai/silent")
        log = client.until(session, ended())
        assert (log[-1]["outcome"], log[-1]["code"]) == ("failed", "turn_stalled")
        told = next(event for event in log if event["type"] == "error")
        assert "the last: it was given the prompt" in told["message"]
        assert told["remedy"].startswith("Retry")
        path = f"/api/sessions/{session}/prompts/{log[-1]['turn_id']}/retry"
        again = [client.post(path, status=202)["id"] for _ in range(2)]
        assert again[0] == again[1]
        end = client.until(session, ended(again[0]))[-1]
        assert end["outcome"] == "done", end
    finally:
        Upstream.gone.set()
        mine.stop()


def test_a_provider_that_can_not_be_reached(hub: HubProcess) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mine = HubProcess(
        hub.data_dir.parent / "nowhere", {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1"}
    )
    mine.start()
    try:
        client = Client(mine)
        session = client.create("Hello?", model="openai/any")
        log = client.until(session, ended())
        assert log[-1]["outcome"] == "failed"
        assert "model_unreachable" in problems(log)
    finally:
        mine.stop()


def test_an_unknown_branch_names_those_that_are_close_and_can_be_mended(
    client: Client, repository: Path
) -> None:
    session = client.create("[demo:hello]", repository=str(repository), branch="mian")
    log = client.until(session, happened("state_changed", state="failed"))
    problem = next(event for event in log if event["type"] == "error")
    assert problem["code"] == "branch_not_found"
    assert problem["suggestions"] == ["main"]
    client.post(f"/api/sessions/{session}/retry", {"branch": "main"}, status=202)
    assert client.until(session, ended())[-1]["outcome"] == "done"
    client.delete(session)


def test_a_repository_that_can_not_be_reached(client: Client) -> None:
    session = client.create("[demo:hello]", repository="https://git.bunkhouse.invalid/a/b")
    log = client.until(session, happened("state_changed", state="failed"))
    problem = next(event for event in log if event["type"] == "error")
    assert problem["code"] == "clone_failed"
    assert problem["remedy"]
    client.delete(session)


def test_bad_input_is_a_problem_that_says_what_to_do(client: Client, place: Path) -> None:
    for body, status in (
        ({"model": "nope/x"}, 422),
        ({"model": "openai/gpt"}, 422),
        ({"repository": str(place / "nothing")}, 422),
        ({"repository": "not a repository"}, 422),
        ({"prompt": "x" * 300_000}, 413),
        ({"unknown": 1}, 422),
    ):
        problem = client.post("/api/sessions", body, status=status)
        assert problem["detail"], body
        assert problem["code"], body
    client.post("/api/sessions/nothere/prompts", {"text": "hi"}, status=404)


def test_an_engine_that_is_down_makes_sessions_wait(hub: HubProcess) -> None:
    mine = HubProcess(
        hub.data_dir.parent / "engineless",
        {"BUNKHOUSE_ENGINE": f"unix://{hub.data_dir.parent}/no-engine.sock"},
    )
    mine.start()
    client = Client(mine)
    session = client.create("[demo:hello]")
    client.until(session, happened("state_changed", state="queued"))
    shown = client.session(session)
    assert shown["state"] == "queued"
    assert "BUNKHOUSE_ENGINE" in shown["state_reason"]
    client.delete(session)
    mine.stop()


def test_a_disk_that_is_nearly_full_makes_sessions_wait(hub: HubProcess) -> None:
    mine = HubProcess(hub.data_dir.parent / "full", {"BUNKHOUSE_MIN_FREE_BYTES": str(1 << 60)})
    mine.start()
    client = Client(mine)
    session = client.create("[demo:hello]")
    client.until(session, happened("state_changed", state="queued"))
    assert "free" in client.session(session)["state_reason"]
    mine.stop()


def test_a_port_in_use_is_told_in_a_sentence(hub: HubProcess) -> None:
    port = hub.url.rsplit(":", 1)[1]
    done = hub.command(
        "serve", "--port", port, "--data-dir", str(hub.data_dir.parent / "second"), check=False
    )
    assert done.returncode == 1
    assert f"Port {port} is in use" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr
