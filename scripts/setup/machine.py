"""What has to be on the machine itself, and installing it where that is possible."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from steps import SetupError, run, step

_APT_LOCK_SECONDS = 600


def require(programs: Mapping[str, str]) -> None:
    """Install the Debian packages of those programs that are missing (program → package)."""
    missing = [name for name in programs if not found(name)]
    if missing:
        install(sorted({programs[name] for name in missing}), ", ".join(missing))


def found(program: str) -> bool:
    """Whether a program is on this machine."""
    return shutil.which(program, path=search_path()) is not None


def install(packages: Sequence[str], purpose: str) -> None:
    """Install Debian packages; `SetupError` says what to do where that can't be."""
    if not is_debian():
        raise SetupError(
            f"{purpose} is missing: install it with this system's package manager"
            f" (on Debian: {' '.join(packages)}), then run this again."
        )
    command = f"apt-get install {' '.join(packages)}"
    if not can_be_root():
        raise SetupError(f"{purpose} is missing: run `sudo {command}`, then run this again.")
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    wait = f"DPkg::Lock::Timeout={_APT_LOCK_SECONDS}"
    apt = as_root(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", wait])
    with step(f"Installing {' '.join(packages)}"):
        problem = f"`{command}` failed."
        run([*apt, "update"], "apt", "`apt-get update` failed.", env)
        run([*apt, "install", "-y", "--no-install-recommends", *packages], "apt", problem, env)


def is_debian() -> bool:
    """Debian or something made of it, with apt."""
    return found("apt-get")


def search_path() -> str:
    """PATH and the places of system programs, which are not in everybody's."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def can_be_root() -> bool:
    """Whether `as_root` works; asks for sudo's password where there is a person to ask."""
    if os.geteuid() == 0:
        return True
    if shutil.which("sudo") is None:
        return False
    silent = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    if silent.returncode == 0:
        return True
    if not sys.stdin.isatty():
        return False
    print("Something has to be installed or started as root, by sudo.", flush=True)
    return subprocess.run(["sudo", "-v"], check=False).returncode == 0


def as_root(argv: Sequence[str | Path]) -> list[str]:
    """The command, with sudo before it unless we are root."""
    words = [str(part) for part in argv]
    return words if os.geteuid() == 0 else ["sudo", "-n", *words]
