"""Our own container engine: Podman's API service, as root, beside whatever else the machine has.

One for the machine and not one for each checkout, so that its images outlive a clone. It has a
socket, a storage and a configuration of its own and shares nothing with a Podman that its user
may run. Needs root; `container_engine.py` calls it, through sudo where that is needed.

    /run/bunkhouse/engine.sock      the API (Docker's and Podman's)
    /run/bunkhouse/engine.pid       of the service
    /run/bunkhouse/engine/          what a reboot makes void: mounts, locks, states
    /var/lib/bunkhouse/engine/      images, containers, the configuration, the log
"""

import fcntl
import http.client
import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

RUN = Path("/run/bunkhouse")
STATE = RUN / "engine"
DATA = Path("/var/lib/bunkhouse/engine")
SOCKET = RUN / "engine.sock"
PID_FILE = RUN / "engine.pid"
LOG = DATA / "service.log"
CONTAINERS_CONF = DATA / "containers.conf"
STORAGE_CONF = DATA / "storage.conf"

START_SECONDS = 30.0
STOP_SECONDS = 15.0
MOST_FILES = 65536
MOST_PROCESSES = 16384  # the service lowers its own limit to pid_max, at times 32,768

# `--userns=auto` gives each sandbox 65,536 ids of this range, which no user of the host has.
SUBORDINATE_IDS = "containers:2147483648:67108864"


class ServiceError(Exception):
    """The service can't be started; the message is for people."""


def start(owner: int, group: int) -> None:
    """Start the service unless it answers; give the socket to `owner`. Safe to call at any time."""
    RUN.mkdir(mode=0o755, parents=True, exist_ok=True)
    with _lock():
        # One that lives may be slow on a busy machine; a dead one's socket refuses at once.
        if not answers(SOCKET, START_SECONDS):
            _end_stale()
            _forget_the_dead()
            _configure()
            _launch()
        _hand_over(owner, group)


def _hand_over(owner: int, group: int) -> None:
    """Whoever may use the socket is as mighty as root, which who can use sudo is anyway."""
    current = SOCKET.stat().st_uid
    if owner in (0, current):
        return
    if current != 0:
        raise ServiceError(f"It belongs to {pwd.getpwuid(current).pw_name}, who started it first.")
    os.chown(SOCKET, owner, group)


def stop() -> bool:
    """Stop the service and what runs in it; True if it ran. Images and containers are kept."""
    if not RUN.is_dir():
        return False
    with _lock():
        ran = answers(SOCKET)
        if ran:
            stop_all = ["podman", "stop", "--all", "--time=2"]
            subprocess.run(stop_all, env=environment(), capture_output=True, check=False)
        _end_stale()
        return ran


def answers(path: Path, timeout: float = 3.0) -> bool:
    """Whether a Docker or Podman API answers `GET /_ping` on this socket."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout)
            connection.connect(str(path))
            connection.sendall(b"GET /_ping HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n")
            response = http.client.HTTPResponse(connection)
            response.begin()
            return response.status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False


def environment() -> dict[str, str]:
    """The environment that makes `podman` be this engine and no other."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "LANG", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
        or name.lower() in ("http_proxy", "https_proxy", "no_proxy")
    }
    return kept | {
        "HOME": "/root",
        "CONTAINERS_CONF": str(CONTAINERS_CONF),
        "CONTAINERS_STORAGE_CONF": str(STORAGE_CONF),
    }


@contextmanager
def _lock() -> Generator[None]:
    with (RUN / "engine.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _end_stale() -> None:
    """End a service of ours that no longer answers, and take away its socket."""
    with suppress(OSError, ValueError):
        pid = int(PID_FILE.read_text())
        if SOCKET.name.encode() in _command(pid):
            _end(pid)
    PID_FILE.unlink(missing_ok=True)
    SOCKET.unlink(missing_ok=True)


def _end(pid: int) -> None:
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, signal_number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            if not _command(pid):
                return
            time.sleep(0.05)


def _command(pid: int) -> bytes:
    """Its command line; empty for a process that is gone or that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _forget_the_dead() -> None:
    """Make Podman see that its containers are gone.

    It takes a restart of the machine for the only thing that ends the monitors of its containers,
    and sees a restart by an emptied /run. Where /run is kept, or where all our processes were
    killed, it would call the dead running for ever.
    """
    if STATE.exists() and not _monitors_run():
        for container in (DATA / "storage" / "overlay-containers").glob("?" * 64):
            delete = ["runc", "delete", "--force", container.name]
            subprocess.run(delete, capture_output=True, check=False)
        # From the innermost out; lazily, as nothing uses them.
        for mount in sorted(_mounts_below(STATE, DATA), reverse=True):
            subprocess.run(["umount", "--lazy", mount], capture_output=True, check=False)
        shutil.rmtree(STATE)
    STATE.mkdir(mode=0o700, exist_ok=True)


def _monitors_run() -> bool:
    """Whether a `conmon` of ours lives, that is, a container."""
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = command.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"conmon") and any(str(DATA).encode() in word for word in words):
            return True
    return False


def _mounts_below(*folders: Path) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4] for line in lines]
    return [point for point in points if any(Path(point).is_relative_to(f) for f in folders)]


def _configure() -> None:
    DATA.mkdir(mode=0o711, parents=True, exist_ok=True)
    files = _at_most(resource.RLIMIT_NOFILE, MOST_FILES)
    processes = _at_most(resource.RLIMIT_NPROC, MOST_PROCESSES)
    # Podman's own defaults are above the hard limits of some machines, where it may not raise
    # them. crun refuses hybrid cgroups. Locks in shared memory would be one with those of every
    # other Podman of the machine.
    CONTAINERS_CONF.write_text(
        f"""[containers]
default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]
log_driver = "k8s-file"

[engine]
runtime = "runc"
events_logger = "file"
lock_type = "file"
static_dir = "{DATA}/storage/libpod"
volume_path = "{DATA}/volumes"
tmp_dir = "{STATE}/libpod"

[network]
network_config_dir = "{DATA}/networks"
"""
    )
    STORAGE_CONF.write_text(
        f"""[storage]
driver = "overlay"
graphroot = "{DATA}/storage"
runroot = "{STATE}/storage"
"""
    )
    for path in (Path("/etc/subuid"), Path("/etc/subgid")):
        lines = path.read_text().splitlines() if path.exists() else []
        if not any(line.startswith("containers:") for line in lines):
            path.write_text("\n".join([*lines, SUBORDINATE_IDS]) + "\n")


def _at_most(which: int, most: int) -> int:
    hard = resource.getrlimit(which)[1]
    return most if hard == resource.RLIM_INFINITY else min(hard, most)


def _launch() -> None:
    with LOG.open("wb") as log:
        process = subprocess.Popen(
            ["podman", "system", "service", "--time=0", f"unix://{SOCKET}"],
            env=environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    PID_FILE.write_text(f"{process.pid}\n")
    deadline = time.monotonic() + START_SECONDS
    while not answers(SOCKET):
        if process.poll() is not None or time.monotonic() > deadline:
            _end_stale()
            said = LOG.read_text(errors="replace").strip().splitlines()[-5:]
            raise ServiceError("Podman's service does not start: " + " ".join(said))
        time.sleep(0.05)


def main(arguments: list[str]) -> int:
    """`service.py start OWNER GROUP` or `service.py stop`, as root."""
    os.umask(0o022)
    try:
        if arguments[:1] == ["start"]:
            start(int(arguments[1]), int(arguments[2]))
        elif arguments[:1] == ["stop"]:
            stop()
    except (ServiceError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
