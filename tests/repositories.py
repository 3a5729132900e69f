"""Repositories that tests make."""

from pathlib import Path

from .conftest import git


def with_settings(folder: Path, text: str) -> Path:
    """Make one whose own settings are `text`."""
    folder.mkdir()
    git(folder, "init", "-b", "main")
    (folder / "README.md").write_text("# Orchard\n")
    (folder / ".bunkhouse").mkdir()
    (folder / ".bunkhouse" / "config.toml").write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-m", "Plant")
    return folder
