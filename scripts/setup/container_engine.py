"""The container engine: one that is there, else Podman from Debian's packages.

`service.py` runs our own; here is only whether it is needed, and getting root for it. The hub has
the same order of places in `bunkhouse.sandboxes.engine`.
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import machine
import service
from steps import ROOT, STATE, SetupError, step

SETUP_FILE = STATE / "engine-setup"
"""Locked while an engine is being installed; holds the reason if that failed. The hub looks at
it, told where it is by this variable."""

SETUP_FILE_VARIABLE = "BUNKHOUSE_ENGINE_SETUP"

PROGRAMS = {
    "podman": "podman",
    "runc": "runc",
    "mmdebstrap": "mmdebstrap",  # builds the image's base where no image registry answers
    "iptables": "iptables",
}


def ready() -> None:
    """Make an engine answer. `SetupError` if there is none and none can be made."""
    STATE.mkdir(exist_ok=True)
    with SETUP_FILE.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        try:
            _ready()
        except SetupError as error:
            file.write(str(error))
            raise


def start_in_background() -> subprocess.Popen[bytes] | None:
    """Begin `ready` in a process that outlives this one; None if there is nothing to do.

    It is in a process group of its own: Ctrl+C must not break into dpkg's work.
    """
    if _answering() or not (machine.is_debian() and machine.can_be_root()):
        return None
    command = [sys.executable, str(Path(__file__).parent), "engine"]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0)


def stop() -> None:
    """Stop our own engine and every container in it."""
    if service.SOCKET.exists():
        with step("Stopping the container engine and what runs in it"):
            _as_root("stop")


def _ready() -> None:
    if _answering():
        return
    if named := _named():
        variable, address = named
        raise SetupError(
            f"No container engine answers at {address}, which {variable} names:"
            f" start it, or unset {variable}."
        )
    if not machine.is_debian():
        raise SetupError(
            "No container engine answers, and one is installed only on Debian and Ubuntu:"
            " install Docker or Podman, start it and run this again."
        )
    if not machine.can_be_root():
        raise SetupError(
            "No container engine answers, and installing one needs root or sudo: start Docker or"
            " Podman (`systemctl --user start podman.socket`), or run this where sudo works."
        )
    machine.require(PROGRAMS)
    with step("Starting the container engine"):
        _as_root("start", str(os.getuid()), str(os.getgid()))


def _as_root(*arguments: str) -> None:
    script = Path(service.__file__)
    done = subprocess.run(
        machine.as_root([sys.executable, script, *arguments]),
        env={**os.environ, "PATH": machine.search_path()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SetupError(f"The container engine can't be run. {done.stdout.strip()}")


def _named() -> tuple[str, str] | None:
    for variable in ("BUNKHOUSE_ENGINE", "DOCKER_HOST"):
        if address := os.environ.get(variable) or _in_env_file(variable):
            return variable, address
    return None


def _in_env_file(variable: str) -> str | None:
    """The hub reads its settings from `.env` too."""
    file = ROOT / ".env"
    for line in file.read_text().splitlines() if file.is_file() else ():
        name, _, value = line.removeprefix("export ").partition("=")
        if name.strip() == variable and variable.startswith("BUNKHOUSE_"):
            return value.strip().strip("'\"")
    return None


def _answering() -> bool:
    if named := _named():
        address = named[1].removeprefix("unix://")
        # What is reached otherwise (tcp://) is judged by the hub.
        return service.answers(Path(address)) if address.startswith("/") else True
    return any(path.exists() and service.answers(path) for path in _usual_places())


def _usual_places() -> Iterator[Path]:
    yield service.SOCKET
    yield Path("/var/run/docker.sock")
    yield Path("/run/podman/podman.sock")
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "docker.sock"
        yield Path(runtime) / "podman" / "podman.sock"
    for part in ("run", "desktop"):
        yield Path.home() / ".docker" / part / "docker.sock"
