"""The scripts behind `make`: run as they are run, by an interpreter of their own."""

import json
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer

import pytest

ROOT = Path(__file__).parents[1]


def in_setup(code: str, **environment: str) -> str:
    """What a few lines print that run beside the modules of scripts/setup."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        cwd=ROOT / "scripts" / "setup",
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def uv_environment(pip: dict[str, str], **environment: str) -> dict[str, str]:
    code = f"import json, packages; print(json.dumps(packages.uv_environment({pip!r})))"
    return json.loads(in_setup(code, **environment))


def test_uv_is_told_what_pip_is_configured_with(tmp_path: Path) -> None:
    there = tmp_path / "wheels"
    there.mkdir()
    env = uv_environment(
        {
            "index-url": "https://mirror.example/simple",
            "extra-index-url": f"file://{tmp_path}/gone https://more.example/simple",
            "find-links": f"{there} {tmp_path}/missing",
            "cert": "/etc/ours.pem",
            "trusted-host": "mirror.example",
        }
    )
    assert env["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert env["UV_INDEX"] == "https://more.example/simple"
    assert env["UV_FIND_LINKS"] == str(there)
    assert env["SSL_CERT_FILE"] == "/etc/ours.pem"
    assert env["UV_INSECURE_HOST"] == "mirror.example"


def test_what_a_person_set_for_uv_stays() -> None:
    env = uv_environment(
        {"index-url": "https://mirror.example/simple"},
        UV_DEFAULT_INDEX="https://own.example/simple",
    )
    assert "UV_DEFAULT_INDEX" not in env


def test_without_settings_of_pip_uv_has_its_own_index() -> None:
    assert not {"UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS"} & uv_environment({}).keys()


class Ping(BaseHTTPRequestHandler):
    """Answers `/_ping` alone."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/_ping" else 404)
        self.end_headers()

    def address_string(self) -> str:
        return "unix"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def answers(path: Path) -> bool:
    code = f"import pathlib, service; print(service.answers(pathlib.Path({str(path)!r}), 0.2))"
    return in_setup(code).strip() == "True"


def test_an_engine_answers_its_ping(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    with UnixStreamServer(str(path), Ping) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            assert answers(path)
        finally:
            server.shutdown()
            thread.join()
    assert not answers(path)  # the socket is there, and nobody behind it
    assert not answers(tmp_path / "missing.sock")


def test_an_engine_that_is_silent_does_not_answer(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        assert not answers(path)


@pytest.mark.parametrize("variable", ["DOCKER_HOST", "BUNKHOUSE_ENGINE"])
def test_no_engine_is_installed_where_one_is_named(variable: str) -> None:
    code = """
import container_engine as engine, steps
try:
    engine._ready()
except steps.SetupError as error:
    print(error)
"""
    said = in_setup(code, HOME="/nonexistent", **{variable: "unix:///nonexistent.sock"})
    assert "/nonexistent.sock" in said and variable in said


def test_hub_and_setup_look_for_the_engine_in_the_same_places() -> None:
    code = "import container_engine as engine; print('\\n'.join(map(str, engine._usual_places())))"
    environment = {"HOME": "/home/ada", "XDG_RUNTIME_DIR": "/run/user/1"}
    hub = """
from bunkhouse.sandboxes.engine import _usual_places
print('\\n'.join(str(place.socket) for place in _usual_places()))
"""
    assert in_setup(code, **environment) == in_setup(hub, **environment)


def test_locks_name_no_host_and_no_path() -> None:
    assert in_setup("import checks; print(checks.lock_complaints())").strip() == "[]"


def test_a_failure_shows_the_end_of_its_log(tmp_path: Path) -> None:
    code = f"""
import pathlib, steps
steps.LOGS = pathlib.Path({str(tmp_path)!r})
try:
    with steps.step("Trying"):
        steps.run(["sh", "-c", "echo deep inside; exit 3"], "try", "It can't be tried.")
except steps.SetupError as error:
    print(error, error.log.read_text())
"""
    said = in_setup(code)
    assert "✗ Trying" in said and "It can't be tried." in said and "deep inside" in said


def test_make_tells_its_targets() -> None:
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("run", "test", "check", "image", "bench", "clean"):
        assert f"make {target} " in said
