"""`make check`, `test`, `bench` and `chaos`, once everything is set up."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from client import WEB, Node
from packages import VENV
from steps import ROOT, SetupError, quoted

_BIN = VENV / "bin"
_ADDRESS = re.compile(r"https?://|file:|--index-url|--extra-index-url|--find-links|^/", re.M)


def check(node: Node) -> None:
    """Run every linter and type checker; `SetupError` names those that complained."""
    checks: list[tuple[str, list[str | Path], Path]] = [
        ("ruff", [_BIN / "ruff", "check", "."], ROOT),
        ("format", [_BIN / "ruff", "format", "--check", "."], ROOT),
        ("layers", [_BIN / "lint-imports"], ROOT),
        ("types", [_BIN / "pyright"], ROOT),
        ("web", ["npm", "run", "--silent", "check"], WEB),
    ]
    failed = [name for name, argv, cwd in checks if not _passes(name, argv, cwd, node)]
    for complaint in lock_complaints():
        print(quoted([complaint]))
        failed.append("locks")
    if failed:
        raise SetupError(f"Not clean: {', '.join(dict.fromkeys(failed))}.")


def _passes(name: str, argv: list[str | Path], cwd: Path, node: Node) -> bool:
    began = time.monotonic()
    done = subprocess.run(
        [str(word) for word in argv],
        cwd=cwd,
        env={**os.environ, **node.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    passed = done.returncode == 0
    if not passed:
        print(quoted(done.stdout.splitlines()))
    print(f"{'✓' if passed else '✗'} {name}  {time.monotonic() - began:.1f} s", flush=True)
    return passed


def lock_complaints() -> list[str]:
    """Lock files must work behind any mirror: no host and no path of a machine is in them."""
    complaints = [
        f"{lock.relative_to(ROOT)} names where packages were taken from"
        for lock in sorted((ROOT / "locks").glob("*.txt"))
        if _ADDRESS.search(re.sub(r"^ *#.*", "", lock.read_text(), flags=re.M))
    ]
    for name in ("web/package-lock.json", *sandbox_locks()):
        entries = json.loads((ROOT / name).read_text()).get("packages", {})
        if any("resolved" in entry and not entry.get("link") for entry in entries.values()):
            complaints.append(f"{name} names where packages were taken from")
    return complaints


def sandbox_locks() -> list[str]:
    """npm locks of the image."""
    return [str(path.relative_to(ROOT)) for path in (ROOT / "sandbox").rglob("package-lock.json")]


def run_all(node: Node) -> None:
    """The client's tests, then pytest's; its closing line is the last that is printed."""
    environment = {**os.environ, **node.environment}
    web = ["npm", "run", "--silent", "test"]
    web_failed = subprocess.run(web, cwd=WEB, env=environment, check=False).returncode
    if web_failed:
        print("✗ The client's tests failed.", flush=True)
    # What shares a hub with sandboxes stays together on one of the workers (conftest.py).
    options = ["-n", "2", "--durations", "20", *sys.argv[2:]]
    pytest = [_BIN / "pytest", *options]
    failed = subprocess.run(pytest, cwd=ROOT, env=environment, check=False).returncode
    if web_failed or failed:
        raise SystemExit(1)


def bench() -> None:
    """Measure; the numbers go to the terminal."""
    command = [_BIN / "python", ROOT / "scripts" / "bench.py", *sys.argv[2:]]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise SetupError("The measurement did not finish.")


def chaos() -> None:
    """Do damage; a line for each and the table go to the terminal."""
    command = [_BIN / "python", "-m", "tests.chaos", *sys.argv[2:]]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise SetupError("Something was lost, or did not come back; see above.")
