"""Finds the OpenCode that the tests drive, and installs it from npm where there is none."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

VERSION = "1.18.33"


def opencode_binary() -> str:
    """Return the native program: `BUNKHOUSE_TEST_OPENCODE`, the path's, or one from npm."""
    named = os.environ.get("BUNKHOUSE_TEST_OPENCODE")
    if named:
        return named
    on_path = shutil.which("opencode")
    if on_path and _version(on_path) == VERSION:
        return on_path
    return str(_installed(Path.home() / ".cache/bunkhouse" / f"opencode-{VERSION}"))


def _installed(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    # Several test processes may look for it at once.
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        program = folder / "node_modules/opencode-ai/bin/opencode.exe"
        if not program.exists():
            command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder)]
            subprocess.run([*command, f"opencode-ai@{VERSION}"], check=True)
    return program


def _version(program: str) -> str:
    asked = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return asked.stdout.strip()
