"""A real hub for tests: `bunkhouse serve` as a process of its own, and a client of its API."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

BUNKHOUSE = str(Path(sys.executable).parent / "bunkhouse")

Event = dict[str, Any]
Seen = Callable[[list[Event]], bool]

PATIENCE = 180.0
"""Seconds after which something that should have happened has not."""

_SCOPES = ("read", "sessions", "account", "admin")
_SECRETS = ("ANTHROPIC_", "OPENAI_", "GEMINI_", "BUNKHOUSE_")


@dataclass
class HubProcess:
    """A hub on a data folder of its own."""

    data_dir: Path
    settings: dict[str, str] = field(default_factory=dict[str, str])
    process: subprocess.Popen[bytes] | None = None
    url: str = ""
    token: str = ""
    program: tuple[str, ...] = (BUNKHOUSE,)

    @property
    def environment(self) -> dict[str, str]:
        """Of the hub, and of commands that are to find it."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(_SECRETS)}
        kept = {k: v for k, v in os.environ.items() if k == "BUNKHOUSE_ENGINE"}
        return clean | kept | {"BUNKHOUSE_DATA_DIR": str(self.data_dir)} | self.settings

    @property
    def pages(self) -> str:
        """The address for browsers, as the hub prints it."""
        return self.url.replace("127.0.0.1", "bunkhouse.localhost")

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        port = self.url.rsplit(":", 1)[-1] if self.url else "0"
        with (self.data_dir / "output.log").open("ab") as output:
            self.process = subprocess.Popen(
                [*self.program, "serve", "--port", port],
                env=self.environment,
                cwd=self.data_dir,
                stdout=output,
                stderr=output,
            )
        self.url = self._await_address()
        if not self.token:
            scopes = [part for scope in _SCOPES for part in ("--scope", scope)]
            self.token = self.command("token", "create", *scopes).stdout.strip()

    def _await_address(self) -> str:
        presence = self.data_dir / "hub.json"
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError(f"the hub ended:\n{self.output()}")
            try:
                found = json.loads(presence.read_text())
                if found["pid"] == self.process.pid:
                    httpx2.get(f"{found['url']}/api/health", timeout=5).raise_for_status()
                    return found["url"]
            except (OSError, ValueError, httpx2.HTTPError):
                pass
            time.sleep(0.05)  # the process has no other way to tell
        raise AssertionError(f"the hub did not answer:\n{self.output()}")

    def output(self) -> str:
        """What it printed."""
        return (self.data_dir / "output.log").read_text(errors="replace")[-5000:]

    def kill(self) -> None:
        """`kill -9`."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Delete its sessions and end it as Ctrl+C does."""
        if self.process is None or self.process.poll() is not None:
            return
        client = Client(self)
        for session in client.get("/api/sessions", limit=200)["items"]:
            client.delete(session["id"])
        client.await_no_sandboxes()
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(30) == 0, self.output()

    def command(
        self, *arguments: str, check: bool = True, timeout: float = PATIENCE, **more: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run `bunkhouse …` against this hub."""
        done = subprocess.run(
            [BUNKHOUSE, *arguments],
            env=self.environment,
            cwd=more.pop("cwd", self.data_dir),
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            **more,
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done


class Client:
    """What a program does with a hub."""

    def __init__(self, hub: HubProcess) -> None:
        self.hub = hub
        self.http = httpx2.Client(
            base_url=hub.url,
            headers={"Authorization": f"Bearer {hub.token}"},
            timeout=60,
            trust_env=False,
        )

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(path, params=query, headers={"accept": "application/json"})
        assert answer.is_success, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, *, status: int | None = None) -> Any:
        answer = self.http.post(path, json=body)
        if status is None:
            assert answer.is_success, answer.text
        else:
            assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def create(self, prompt: str | None = None, **more: Any) -> str:
        """Start a session; returns its id."""
        return self.post("/api/sessions", {"prompt": prompt, **more}, status=201)["id"]

    def delete(self, session_id: str) -> None:
        answer = self.http.delete(f"/api/sessions/{session_id}")
        assert answer.status_code in (204, 404), answer.text

    def session(self, session_id: str) -> Any:
        return self.get(f"/api/sessions/{session_id}")

    def stream(self, session_id: str, after: int = 0) -> Iterator[Event]:
        """The session's events by SSE, live, without end."""
        path = f"/api/sessions/{session_id}/events"
        headers = {"accept": "text/event-stream"}
        with self.http.stream(
            "GET", path, params={"after": after}, headers=headers, timeout=PATIENCE
        ) as answer:
            assert answer.is_success, answer.read()
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line[5:])

    def until(self, session_id: str, seen: Seen, *, after: int = 0) -> list[Event]:
        """The log from `after` on, as soon as it satisfies `seen`."""
        deadline = time.monotonic() + PATIENCE
        log: list[Event] = []
        for event in self.stream(session_id, after):
            log.append(event)
            if seen(log):
                return log
            if time.monotonic() > deadline:
                break
        told = "\n".join(json.dumps(event)[:300] for event in log[-15:])
        raise AssertionError(f"did not happen; the log ends:\n{told}")

    def until_there(self, path: str) -> httpx2.Response:
        """What is at a path, as soon as it is: bytes may come after the event that names them."""
        deadline = time.monotonic() + PATIENCE
        while (answer := self.http.get(path)).status_code == 404:
            assert time.monotonic() < deadline, f"{path} did not come"
            time.sleep(0.2)  # nobody tells when a blob has come
        assert answer.is_success, answer.text
        return answer

    def turn(self, session_id: str, text: str) -> list[Event]:
        """Say something and wait until its turn has ended; returns the turn's events."""
        after = self.session(session_id)["last_seq"]
        prompt = self.post(f"/api/sessions/{session_id}/prompts", {"text": text}, status=202)
        return self.until(session_id, ended(prompt["id"]), after=after)

    def log(self, session_id: str) -> list[Event]:
        """All events there are."""
        found: list[Event] = []
        while True:
            after = found[-1]["seq"] if found else 0
            page = self.get(f"/api/sessions/{session_id}/events", after=after, limit=500)
            found += page["items"]
            if not page["items"]:
                return found

    def await_no_sandboxes(self) -> None:
        """Until nothing of deleted sessions runs any more."""
        deadline = time.monotonic() + PATIENCE
        while any((self.hub.data_dir / "run").iterdir()):
            assert time.monotonic() < deadline, "sandboxes were left behind"
            time.sleep(0.1)  # folders tell of their end by being gone

    def await_no_sandbox(self, session_id: str) -> None:
        """Until the session's sandbox is gone and its files are kept elsewhere."""
        deadline = time.monotonic() + PATIENCE
        while True:
            kept: dict[str, Any] | None = self.session(session_id)["kept"]
            if kept is not None and kept["form"] == "snapshot":
                return
            assert time.monotonic() < deadline, "it was not put away"
            time.sleep(0.1)  # the session tells of it when it is asked

    def run(self, session_id: str, command: str) -> subprocess.CompletedProcess[str]:
        """Run a shell command in the sandbox, as the agent's user."""
        return self.hub.command("exec", session_id, "--", "bash", "-lc", command, check=False)


def ended(turn_id: str | None = None) -> Seen:
    """A turn has ended (a certain one, or any)."""

    def seen(log: list[Event]) -> bool:
        last = log[-1]
        return last["type"] == "turn_ended" and turn_id in (None, last["turn_id"])

    return seen


def happened(kind: str, **fields: Any) -> Seen:
    """The newest event is of this type and has these fields."""

    def seen(log: list[Event]) -> bool:
        last = log[-1]
        return last["type"] == kind and all(last.get(k) == v for k, v in fields.items())

    return seen


def text_of(log: list[Event], kind: str = "agent_message_chunk") -> str:
    """What the agent said, without what it took back."""
    back = {e["message_id"] for e in log if e["type"] == "message_retracted"}
    return "".join(e["text"] for e in log if e["type"] == kind and e["message_id"] not in back)


def whole(log: list[Event]) -> None:
    """Neither gap nor repeat."""
    assert [event["seq"] for event in log] == list(range(log[0]["seq"], log[-1]["seq"] + 1))
