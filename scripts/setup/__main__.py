"""Sets up this checkout: `python3 scripts/setup GOAL`. Uses nothing but the standard library.

Every goal does only what is not done yet, so all of them may be given at any time.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import checks
import client
import container_engine as engine
import github_description
import machine
import packages
import postgres_server
from steps import ROOT, SetupError, say, show

_MOMENT = 2.0
"""Seconds that it is not worth to go on without an engine."""

BUNKHOUSE = packages.VENV / "bin" / "bunkhouse"


def require_programs() -> None:
    """What has to come from the system's own packages before anything else."""
    machine.require({"git": "git"})
    packages.require_venv()


def prepare() -> None:
    """The programs that everything needs, and the Python packages."""
    require_programs()
    packages.ready()


def serve() -> None:
    """Set up and become the hub. An engine that is still being installed is not waited for."""
    require_programs()
    installing = engine.start_in_background()
    packages.ready()
    node = client.ready()
    if installing and not _ends(installing, _MOMENT):
        say("… The container engine is still being installed; the page starts meanwhile.")
    environment = {
        **os.environ,
        **node.environment,
        engine.SETUP_FILE_VARIABLE: str(engine.SETUP_FILE),
    }
    sys.stdout.flush()
    os.execve(BUNKHOUSE, [str(BUNKHOUSE), "serve", *sys.argv[2:]], environment)


def _ends(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def check() -> None:
    """Everything that the linters and type checkers need, then all of them."""
    prepare()
    node = client.find_node()
    client.modules_ready(node)
    checks.check(node)


def test() -> None:
    """Everything that the tests need, then the tests."""
    prepare()
    node = client.ready()
    machine.require(
        {
            "chromium": "chromium",
            "curl": "curl",
            "iptables": "iptables",
            "ip": "iproute2",
            "setpriv": "util-linux",
            "tmux": "tmux",
        }
    )
    postgres_server.ready()
    github_description.ready(node)
    engine.ready()
    image()
    checks.run_all(node)


def image() -> None:
    """The sandbox image; it is built only if something that it is made of changed."""
    prepare()
    engine.ready()
    # The image takes over where npm here gets packages from.
    environment = {**os.environ, **client.find_node().environment}
    build = subprocess.run([BUNKHOUSE, "image", "build"], cwd=ROOT, env=environment, check=False)
    if build.returncode != 0:
        raise SetupError("The sandbox image was not built.")


def bench() -> None:
    """Set up all, then measure."""
    prepare()
    client.ready()
    image()
    checks.bench()


def chaos() -> None:
    """Set up all, then kill it at random."""
    prepare()
    image()
    checks.chaos()


def clean() -> None:
    """Take away what was made in this checkout. Sessions, engine and images stay."""
    for path in (
        packages.VENV,
        ROOT / ".bunkhouse",
        client.BUILT,
        client.WEB / "node_modules",
        *(ROOT / name for name in (".ruff_cache", ".pytest_cache", ".import_linter_cache")),
        *(ROOT / name for name in (".hypothesis", "build", "dist")),
    ):
        shutil.rmtree(path, ignore_errors=True)
    for folder in ("packages", "tests", "scripts"):
        for cache in Path(ROOT / folder).rglob("__pycache__"):
            shutil.rmtree(cache, ignore_errors=True)
    say("✓ Clean. Sessions are kept in the data folder; `make engine-stop` stops the engine.")


GOALS = {
    "serve": serve,
    "check": check,
    "test": test,
    "image": image,
    "bench": bench,
    "chaos": chaos,
    "engine": engine.ready,
    "engine-stop": engine.stop,
    "packages": prepare,
    "client": lambda: (prepare(), client.ready()),
    "github": lambda: (prepare(), github_description.ready(client.find_node())),
    "clean": clean,
}


def main(arguments: list[str]) -> int:
    """Reach one goal; 0, or 1 with a sentence on the error output."""
    if len(arguments) < 1 or arguments[0] not in GOALS:
        print(f"usage: python3 scripts/setup {{{','.join(GOALS)}}}", file=sys.stderr)
        return 2
    # Where this is set, every program of ours (tests start hundreds) compiles all that it imports.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        GOALS[arguments[0]]()
    except SetupError as error:
        show(error)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
