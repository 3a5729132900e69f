"""An engine's service of the test's own, which may be killed, and what is asked of it directly."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2

SETUP = Path(__file__).resolve().parents[2] / "scripts" / "setup"
USUAL = "unix:///run/bunkhouse/engine.sock"


class Engine:
    """A container engine's API. `own`: its service is ours to kill."""

    def __init__(self, folder: Path) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = _environment()
        self.own = self._environment is not None
        self._socket = folder / "engine.sock"
        if self.own:
            self.start()
        else:
            self._socket = Path(os.environ.get("BUNKHOUSE_ENGINE", USUAL).removeprefix("unix://"))
        self.address = f"unix://{self._socket}"

    def start(self) -> None:
        """Start the service on the machine's own storage, and wait until it answers."""
        self._socket.unlink(missing_ok=True)
        command = ["podman", "system", "service", "--time=0", f"unix://{self._socket}"]
        self._process = subprocess.Popen(
            command,
            env=self._environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                self.ask("GET", "/_ping")
                return
            except httpx2.HTTPError:
                assert time.monotonic() < deadline, "Podman's service does not answer"
                time.sleep(0.05)  # a program tells of its start in no other way

    def kill(self) -> None:
        """`kill -9`."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """One request; what it answers, or None where that is nothing, or there is no such."""
        with httpx2.Client(
            transport=httpx2.HTTPTransport(uds=str(self._socket)), base_url="http://engine"
        ) as http:
            answer = http.request(method, path, params=query, json=body, timeout=60)
        if answer.status_code in (204, 304, 404, 409):
            return None
        answer.raise_for_status()
        is_json = "json" in answer.headers.get("content-type", "")
        return answer.json() if is_json else None

    def containers(self, **labels: str) -> list[dict[str, Any]]:
        """All that have these labels, running or not."""
        filters = {"label": [f"bunkhouse.{name}={value}" for name, value in labels.items()]}
        return self.ask("GET", "/containers/json", all="true", filters=json.dumps(filters)) or []

    def images(self, **labels: str) -> list[dict[str, Any]]:
        filters = {"label": [f"bunkhouse.{name}={value}" for name, value in labels.items()]}
        try:
            return self.ask("GET", "/images/json", filters=json.dumps(filters)) or []
        except httpx2.HTTPStatusError as error:  # while one is being removed, Podman can't say
            return [{"Id": str(error)}]

    def sandbox(self, session_id: str) -> str | None:
        """The container of a session, if it is there."""
        found = self.containers(session=session_id, role="sandbox")
        return found[0]["Id"] if found else None

    def remove(self, container: str) -> None:
        """`rm --force`; one that the hub removes at the same moment is asked about again."""
        path = f"/containers/{container}"
        deadline = time.monotonic() + 30
        while self.ask("GET", f"{path}/json") is not None:
            try:
                self.ask("DELETE", path, force="true", v="true")
            except httpx2.HTTPStatusError as error:
                assert time.monotonic() < deadline, error.response.text
                time.sleep(0.2)  # the engine is busy with it

    def freeze(self, container: str) -> bool:
        """Have all its processes stand still; False: it does not run."""
        deadline = time.monotonic() + 30
        while True:
            try:
                self.ask("POST", f"/containers/{container}/pause")
            except httpx2.HTTPStatusError as error:
                shown = self.ask("GET", f"/containers/{container}/json")
                if shown is None or shown["State"]["Status"] != "running":
                    return False
                # It began to run between the two.
                assert time.monotonic() < deadline, error.response.text
            else:
                return True

    def kill_in(self, container: str, program: str) -> bool:
        """`kill -9` a program in a container, by its command line; False: it does not run.

        From outside, as the machine's own memory killer does it: the engine is on this machine.
        """
        shown = self.ask("GET", f"/containers/{container}/json")
        first = shown["State"]["Pid"] if shown else 0
        for pid in _below(first) if first else []:
            with contextlib.suppress(OSError):
                command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
                if program.encode() in command:
                    os.kill(pid, signal.SIGKILL)
                    return True
        return False


def _below(first: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = [first]
    for pid in found:  # it grows while we look
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _environment() -> dict[str, str] | None:
    """What makes `podman` be the engine that `make` installed; None where that is not there."""
    code = (
        "import json, service, os;"
        "print(json.dumps(service.environment()) if os.geteuid() == 0"
        " and service.STORAGE_CONF.exists() else 'null')"
    )
    if "BUNKHOUSE_ENGINE" in os.environ or not SETUP.is_dir():
        return None
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SETUP, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)
