"""Of what the sandbox image is made: the files of the build, and a key over all of them.

The key is a hash of everything that goes in, so an image with that key needs no second build, and
a change of any file, of a mirror or of a certificate gives another key.

The files come from the checkout around this package. A wheel would carry the same folders under
`bunkhouse/_recipe` (hatchling: `[tool.hatch.build.targets.wheel.force-include]` with
`"../../sandbox" = "bunkhouse/_recipe/sandbox"`, and the same for `locks/runner.txt` and the sources
of runner and protocol); `source_folder` looks there first.
"""

import hashlib
import io
import re
import tarfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bunkhouse.errors import Unavailable

CONTAINERFILE = "Containerfile"
_PACKAGES = ("protocol", "runner")
_IGNORED = {"__pycache__", ".DS_Store", ".pytest_cache", ".ruff_cache"}
_STEP = re.compile(r"#\s*step\s+(\d+):\s*(.+)")


@dataclass(frozen=True)
class Step:
    """One instruction of the recipe, as people see it."""

    title: str
    weight: int
    """About how many seconds it takes; 0 for what takes no time worth speaking of."""


@dataclass(frozen=True)
class Recipe:
    """All that is sent to the engine, and what is said of it."""

    files: Mapping[str, tuple[bytes, int]]
    """By path in the build's context: content and mode."""
    key: str
    """16 hexadecimal digits."""
    steps: tuple[Step, ...]
    """By instruction, in order. An instruction without a title of its own belongs to the one
    before it."""

    def tar(self) -> bytes:
        """The context as the engine takes it. The same files give the same bytes."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for path, (content, mode) in sorted(self.files.items()):
                member = tarfile.TarInfo(path)
                member.size, member.mode, member.mtime = len(content), mode, 1_000_000_000
                archive.addfile(member, io.BytesIO(content))
        return buffer.getvalue()


def source_folder() -> Path:
    """The folder with `sandbox`, `locks` and `packages`. Raises `Unavailable` where it is gone."""
    here = Path(__file__).resolve()
    for folder in (here.parents[1] / "_recipe", *here.parents[5:6]):
        if (folder / "sandbox" / CONTAINERFILE).is_file():
            return folder
    raise Unavailable(
        "The recipe of the sandbox image is not here.",
        remedy="Run Bunkhouse from a checkout of its repository, or set BUNKHOUSE_IMAGE to an "
        "image that was built elsewhere.",
    )


def read_recipe(host_files: Mapping[str, str], source: Path | None = None) -> Recipe:
    """Gather the files. `host_files` is this machine's configuration, by absolute path in the
    image without the leading slash (`HostConfiguration.files`).
    """
    source = source or source_folder()
    files: dict[str, tuple[bytes, int]] = dict(_tree(source / "sandbox", ""))
    files["locks/runner.txt"] = ((source / "locks" / "runner.txt").read_bytes(), 0o644)
    for name in _PACKAGES:
        package = source / "packages" / name
        files |= dict(_tree(package / "src", "runner/"))
        files |= _metadata(package / "pyproject.toml")
    for path, text in host_files.items():
        files[f"host/{path}"] = (text.encode(), 0o644)
    steps = tuple(_steps(files[CONTAINERFILE][0].decode()))
    return Recipe(files=files, key=_key(files), steps=steps)


def _tree(folder: Path, prefix: str) -> Iterator[tuple[str, tuple[bytes, int]]]:
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        ignored = _IGNORED.intersection(relative.parts) or path.suffix == ".pyc"
        if ignored or any(part.endswith((".egg-info", "~")) for part in relative.parts):
            continue
        if path.is_file():
            # Of the modes only "may be executed" counts, whatever umask the checkout was made with.
            mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            yield prefix + relative.as_posix(), (path.read_bytes(), mode)


def _metadata(pyproject: Path) -> dict[str, tuple[bytes, int]]:
    """What `importlib.metadata` needs to know the version of a package that was only copied."""
    project = tomllib.loads(pyproject.read_text())["project"]
    name, version = str(project["name"]), str(project["version"])
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    folder = f"{name.replace('-', '_')}-{version}.dist-info"
    return {f"runner/{folder}/METADATA": (text.encode(), 0o644)}


def _key(files: Mapping[str, tuple[bytes, int]]) -> str:
    digest = hashlib.sha256()
    for path, (content, mode) in sorted(files.items()):
        digest.update(f"{path}\0{mode:o}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def _steps(containerfile: str) -> Iterator[Step]:
    """The instructions from FROM on, each with the title of its `# step` comment.

    The weight stands with the last instruction before the next title that does the work: RUN where
    there is one.
    """
    title, weight, begun, continued = "Preparing", 0, False, False
    for line in containerfile.splitlines():
        text = line.strip()
        if match := _STEP.match(text):
            title, weight = match[2], int(match[1])
        if not text or text.startswith("#"):
            continue
        if not continued:
            word = text.split()[0].upper()
            begun = begun or word == "FROM"
            if begun:
                yield Step(title, weight if word == "RUN" else 0)
            if word == "RUN":
                weight = 0
        continued = text.endswith("\\")
