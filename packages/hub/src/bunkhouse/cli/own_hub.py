"""A hub for the time of one command, where none runs."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Generator

from bunkhouse.cli import presence
from bunkhouse.cli.hub import Hub, local_hub
from bunkhouse.errors import Unavailable
from bunkhouse.settings import Settings

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0


@contextlib.contextmanager
def own_hub(settings: Settings, *, leave: bool) -> Generator[Hub]:
    """Start a hub on the data folder, on a free port; end it with the block, or leave it running.

    Raises:
        Unavailable: it did not start; its last words are in the message.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = settings.data_dir / "hub.log"
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bunkhouse.cli", "serve", "--port", "0"],
            env={**os.environ, "BUNKHOUSE_DATA_DIR": str(settings.data_dir)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl+C is for the turn: the hub must live to stop it.
            start_new_session=True,
        )
    try:
        url = _wait(settings, process)
        yield local_hub(settings, url)
    except BaseException:
        _end(process)
        raise
    if not leave:
        _end(process)


def _wait(settings: Settings, process: "subprocess.Popen[bytes]") -> str:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        found = presence.running(settings.data_dir)
        # Somebody else may have started one at the same moment; theirs is as good.
        if found is not None:
            return found.url
        if process.poll() is not None:
            break
        time.sleep(0.05)
    said = (settings.data_dir / "hub.log").read_text(errors="replace").strip().splitlines()
    last = f": {' '.join(said[-2:])}" if said else "."
    raise Unavailable(
        f"The hub did not start{last}",
        remedy=f"Its whole output is in {settings.data_dir / 'hub.log'}.",
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
