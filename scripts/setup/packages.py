"""The Python packages: uv in a place of its own, and `.venv` as the lock has it."""

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import machine
from steps import ROOT, STATE, fingerprint, is_done, mark_done, run, step

UV_VERSION = "0.13.9"
VENV = ROOT / ".venv"
LOCK = ROOT / "locks" / "dev.txt"
MEMBERS = [ROOT / "packages" / name for name in ("protocol", "hub", "runner")]
_VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
_UV = STATE / "uv"
_NETWORK = "Is the package index reachable? pip's own settings of mirrors and certificates apply."


def ready() -> None:
    """Make `.venv` what the lock says, with this checkout's packages in it."""
    _ready_uv()
    metadata = [member / "pyproject.toml" for member in MEMBERS]
    stamp = fingerprint([LOCK, *metadata], _VERSION, str(ROOT))
    if is_done("packages", stamp) and (VENV / "bin" / "bunkhouse").exists():
        return
    uv = str(_UV / "bin" / "uv")
    env = uv_environment(_pip_settings()) | {"VIRTUAL_ENV": str(VENV)}
    with step("Installing Python packages"):
        if not (VENV / "bin" / f"python{_VERSION}").exists():
            shutil.rmtree(VENV, ignore_errors=True)
            run([uv, "venv", "--python", sys.executable, VENV], "packages", "uv venv failed.", env)
        problem = f"The Python packages can't be installed. {_NETWORK}"
        run([uv, "pip", "sync", "--require-hashes", LOCK], "packages", problem, env)
        editable = [word for member in MEMBERS for word in ("-e", str(member))]
        options = ["--no-build-isolation", "--no-deps", "--offline"]
        problem = "Bunkhouse's own packages can't be installed into .venv."
        run([uv, "pip", "install", *options, *editable], "packages", problem, env)
    mark_done("packages", stamp)


def _ready_uv() -> None:
    stamp = f"uv {UV_VERSION} python {_VERSION}"
    if is_done("uv", stamp) and (_UV / "bin" / "uv").exists():
        return
    with step("Installing uv"):
        shutil.rmtree(_UV, ignore_errors=True)
        run([sys.executable, "-m", "venv", _UV], "packages", "python -m venv failed.")
        pip = [_UV / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install"]
        run([*pip, f"uv=={UV_VERSION}"], "packages", f"uv can't be installed. {_NETWORK}")
    mark_done("uv", stamp)


def require_venv() -> None:
    """Debian has the module that makes virtual environments in a package of its own."""
    if importlib.util.find_spec("ensurepip") is None:
        machine.install([f"python{_VERSION}-venv"], "Python's venv module")


def _pip_settings() -> dict[str, str]:
    """What pip is configured with, in files and environment: `{"index-url": "…"}`."""
    command = [str(_UV / "bin" / "python"), "-m", "pip", "config", "list"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    settings: dict[str, str] = {}
    # Environment variables are stronger than files; pip prints them first.
    for line in sorted(said.splitlines(), key=lambda line: line.startswith(":env:")):
        key, separator, value = line.partition("=")
        if separator:
            settings[key.rpartition(".")[2]] = str(ast.literal_eval(value))
    return settings


def uv_environment(pip: dict[str, str]) -> dict[str, str]:
    """uv doesn't read pip's settings: the same, in its own variables.

    What the person set for uv stays. Local places that are not there are left out.
    """
    # Compiled once here, by all processors, instead of by each program that starts first.
    env = {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_COMPILE_BYTECODE": "1"}
    if index := pip.get("index-url"):
        env["UV_DEFAULT_INDEX"] = index
    if extra := " ".join(_existing(pip.get("extra-index-url", ""))):
        env["UV_INDEX"] = extra
    if links := ",".join(_existing(pip.get("find-links", ""))):
        env["UV_FIND_LINKS"] = links
    if trusted := pip.get("trusted-host"):
        env["UV_INSECURE_HOST"] = trusted
    if proxy := pip.get("proxy"):
        env |= {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy}
    if certificate := pip.get("cert"):
        env["SSL_CERT_FILE"] = certificate
    elif Path("/etc/ssl/certs").is_dir():
        env["UV_SYSTEM_CERTS"] = "1"
    return {name: value for name, value in env.items() if name not in os.environ}


def _existing(places: str) -> list[str]:
    return [place for place in places.split() if _exists(place)]


def _exists(place: str) -> bool:
    url = urlparse(place)
    if url.scheme in ("http", "https"):
        return True
    return Path(url2pathname(url.path) if url.scheme == "file" else place).exists()
