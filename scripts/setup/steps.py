"""What the person at the terminal sees while things are set up.

A step is one line: what it does and how long it took, with a spinner on a terminal. What its
programs say goes to a log below `.bunkhouse/logs`; when one fails, the end of that log is shown.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".bunkhouse"
LOGS = STATE / "logs"
STAMPS = STATE / "stamps"

TAIL_LINES = 25
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;;.*?\x1b\\")
_CLEAR = "\r\x1b[K"


class SetupError(Exception):
    """Something is missing or failed: one sentence, and the end of the log where there is one."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log


def say(line: str) -> None:
    """Print a line, over the spinner if one turns."""
    print(f"{_CLEAR if sys.stdout.isatty() else ''}{line}", flush=True)


@contextmanager
def step(title: str) -> Generator[None]:
    """Show that something is under way, then how long it took."""
    began = time.monotonic()
    over = threading.Event()
    spinner = threading.Thread(target=_spin, args=(title, began, over), daemon=True)
    if sys.stdout.isatty():
        spinner.start()
    else:
        say(f"… {title}")
    mark = "✗"
    try:
        yield
        mark = "✓"
    finally:
        over.set()
        if spinner.is_alive():
            spinner.join()
        say(f"{mark} {title}  {_duration(time.monotonic() - began)}")


def _spin(title: str, began: float, over: threading.Event) -> None:
    width = shutil.get_terminal_size().columns
    turn = 0
    while not over.wait(0.1):
        line = f"{_SPINNER[turn % len(_SPINNER)]} {title}  {_duration(time.monotonic() - began)}"
        sys.stdout.write(_CLEAR + line[: width - 1])
        sys.stdout.flush()
        turn += 1


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def run(
    argv: Sequence[str | Path],
    log: str,
    problem: str,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
) -> None:
    """Run a program with its output in the log of that name; `problem` is said if it fails."""
    LOGS.mkdir(parents=True, exist_ok=True)
    path = LOGS / f"{log}.log"
    with path.open("ab") as file:
        file.write(f"\n$ {' '.join(map(str, argv))}\n".encode())
        file.flush()
        try:
            process = subprocess.run(
                [str(part) for part in argv],
                env={**os.environ, **(env or {})},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
            )
        except OSError as error:
            raise SetupError(f"{problem} ({error})") from error
    if process.returncode != 0:
        raise SetupError(problem, path)


def show(error: SetupError) -> None:
    """Print why it ended, with the tail of its log."""
    sys.stdout.flush()
    if error.log:
        lines = error.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        print(quoted(lines), file=sys.stderr)
    print(f"{error}", file=sys.stderr)
    if error.log:
        print(f"All of it: {error.log}", file=sys.stderr)


def quoted(lines: Iterable[str]) -> str:
    """What another program said, set off and without its colours."""
    return "\n".join(f"  │ {_ESCAPE.sub('', line)}" for line in lines)


# ── what was done already ────────────────────────────────────────────────────────────────────


def fingerprint(files: Iterable[Path], *words: str) -> str:
    """A hash of the contents of files, and of words."""
    digest = hashlib.sha256("\0".join(words).encode())
    for file in sorted(files):
        digest.update(f"\0{file.relative_to(ROOT)}\0".encode())
        digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()


def is_done(name: str, stamp: str) -> bool:
    """Whether the step of this name was last done for the same input."""
    path = STAMPS / name
    return path.is_file() and path.read_text() == stamp


def mark_done(name: str, stamp: str) -> None:
    """Remember for which input a step was done."""
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / name).write_text(stamp)
