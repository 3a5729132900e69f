"""A Postgres of the tests' own: a real server on a folder that is theirs, reached by its socket."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg

_USER = "postgres"
"""Postgres refuses to run as root; this user comes with Debian's package."""

_SECONDS = 60

_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""What is in here is thrown away."""


class Server:
    """A server that runs. It may be stopped and started again on the same folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._as_user = ["setpriv", "--pdeathsig", "INT"]
        if os.geteuid() == 0:
            user = pwd.getpwnam(_USER)
            os.chown(folder, user.pw_uid, user.pw_gid)
            self._as_user += ["--reuid", _USER, "--regid", str(user.pw_gid), "--clear-groups"]
        self._process: subprocess.Popen[str] | None = None
        self._log: list[str] = []
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", f"--username={_USER}"]
        subprocess.run(
            [*self._as_user, program("initdb"), "--no-sync", *options, folder / "data"],
            check=True,
            capture_output=True,
            cwd="/",
        )

    def start(self) -> None:
        """Returns when it takes connections."""
        settings = {
            **_FAST,
            "listen_addresses": "",
            "unix_socket_directories": str(self._folder),
            "max_connections": "200",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen(
            [*self._as_user, program("postgres"), "-D", self._folder / "data", *options],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            cwd="/",
            text=True,
        )
        ready = threading.Event()
        threading.Thread(target=self._listen, args=(self._process, ready), daemon=True).start()
        assert ready.wait(_SECONDS) and self._process.poll() is None, "".join(self._log)

    def _listen(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                self._log.append(line)
                if "ready to accept connections" in line:
                    ready.set()
        ready.set()  # it has ended; the log says why

    def stop(self) -> None:
        """At once: connections are cut."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(_SECONDS)
            self._process = None

    def url(self, database: str) -> str:
        return f"postgresql://{_USER}@/{database}?host={self._folder}"

    def run(self, statement: str) -> None:
        """Run a statement that may not be in a transaction."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def database(self, template: str = "template0") -> Generator[str]:
        """A database of its own; gives its URL."""
        name = f"t_{secrets.token_hex(8)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def running_server() -> Generator[Server]:
    """A server until the block ends."""
    with tempfile.TemporaryDirectory(prefix="bhpg", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def program(name: str) -> Path:
    """One of the server's programs. Debian keeps them off PATH, in a folder for each version."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = debian[0] if debian else shutil.which(name)
    assert found, f"{name} is missing: install Debian's package `postgresql` (`make test` does)"
    return Path(found)
