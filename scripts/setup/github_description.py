"""GitHub's own description of its API (OpenAPI), from npm: what the tests' fake GitHub is held to.

The package unpacks to some 400 MB of variants, of which one file is wanted. So it is packed by npm,
from wherever npm gets packages, and that file alone is taken out of it.
"""

import base64
import hashlib
import shutil
import tarfile
from pathlib import Path

from client import Node
from steps import ROOT, STATE, SetupError, fingerprint, is_done, mark_done, run, step

LOCK = ROOT / "tests" / "fakes" / "github" / "description.lock"
DESCRIPTION = STATE / "github" / "api.github.com.json"
_MEMBER = "package/generated/api.github.com.json"


def ready(node: Node) -> None:
    """Have the description that the lock names in `.bunkhouse/github`."""
    stamp = fingerprint([LOCK])
    if is_done("github", stamp) and DESCRIPTION.exists():
        return
    package, version, integrity = LOCK.read_text().split()
    folder = STATE / "github" / "package"
    with step("Fetching GitHub's description of its API"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        problem = "npm can't fetch GitHub's description. npm's own settings of mirrors apply."
        pack = ["npm", "pack", f"{package}@{version}", "--pack-destination", folder]
        run(pack, "github", problem, node.environment, cwd=folder)
        [archive] = folder.glob("*.tgz")
        _check(archive, integrity)
        with tarfile.open(archive) as packed:
            member = packed.extractfile(_MEMBER)
            if member is None:
                raise SetupError(f"{package} {version} has no {_MEMBER}.")
            draft = DESCRIPTION.with_suffix(".new")
            with member, draft.open("wb") as file:
                shutil.copyfileobj(member, file)
            draft.replace(DESCRIPTION)
        shutil.rmtree(folder)
    mark_done("github", stamp)


def _check(archive: Path, integrity: str) -> None:
    digest = hashlib.sha512(archive.read_bytes()).digest()
    found = f"sha512-{base64.b64encode(digest).decode()}"
    if found != integrity:
        raise SetupError(f"{archive.name} has the checksum {found}, not {integrity}.")
