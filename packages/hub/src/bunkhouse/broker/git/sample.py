"""A small repository to try things on, made on the hub's machine when it first starts."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

_FILES = {
    "README.md": """# Larder

A shopping list for the terminal, small enough to read in a minute.

    python3 -m larder add "two onions"
    python3 -m larder

Try: "Add a `remove` command, with a test."
""",
    "larder/__init__.py": '"""A shopping list for the terminal."""\n',
    "larder/__main__.py": '''"""`python3 -m larder [add THING]`."""

import sys
from pathlib import Path

from larder.shelf import Shelf

shelf = Shelf(Path("larder.txt"))
match sys.argv[1:]:
    case ["add", thing]:
        shelf.add(thing)
    case []:
        for number, thing in enumerate(shelf.things(), start=1):
            print(f"{number:>3}  {thing}")
    case _:
        sys.exit("usage: larder [add THING]")
''',
    "larder/shelf.py": '''"""Where the things are kept: a text file, one a line."""

from pathlib import Path


class Shelf:
    def __init__(self, file: Path) -> None:
        self.file = file

    def things(self) -> list[str]:
        return self.file.read_text().splitlines() if self.file.exists() else []

    def add(self, thing: str) -> None:
        self.file.write_text("".join(f"{line}\\n" for line in [*self.things(), thing]))
''',
    "tests/test_shelf.py": """import tempfile
import unittest
from pathlib import Path

from larder.shelf import Shelf


class ShelfTest(unittest.TestCase):
    def test_what_was_added_is_there(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            shelf = Shelf(Path(folder) / "larder.txt")
            shelf.add("two onions")
            shelf.add("salt")
            self.assertEqual(shelf.things(), ["two onions", "salt"])


if __name__ == "__main__":
    unittest.main()
""",
}


async def make_sample(folder: Path) -> Path:
    """Make the repository where it is missing, whole or not at all; returns its folder."""
    await asyncio.to_thread(_make, folder)
    return folder


def _make(folder: Path) -> None:
    if folder.exists():
        return
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch) / folder.name
        for name, text in _FILES.items():
            file = made / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        author = {
            "GIT_AUTHOR_NAME": "Bunkhouse",
            "GIT_AUTHOR_EMAIL": "sample@bunkhouse.invalid",
            "GIT_COMMITTER_NAME": "Bunkhouse",
            "GIT_COMMITTER_EMAIL": "sample@bunkhouse.invalid",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
        }
        for command in (
            ["init", "--quiet", "--initial-branch=main"],
            ["add", "--all"],
            ["commit", "--quiet", "--message=A shopping list for the terminal"],
        ):
            subprocess.run(
                ["git", *command], cwd=made, env=os.environ | author, check=True, timeout=30
            )
        if not folder.exists():
            shutil.move(made, folder)
