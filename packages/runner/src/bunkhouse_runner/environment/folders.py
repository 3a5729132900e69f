"""Folders and files of the agent's, made by the runner."""

from pathlib import Path

from bunkhouse_runner.processes import Account


def make_folder(path: Path, account: Account) -> Path:
    """Make a folder, and those above it that are missing; they belong to the agent's user."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o755, exist_ok=True)
        account.own(folder)
    return path


def write_file(path: Path, text: str, account: Account) -> None:
    """Replace a file in one step. Raises OSError."""
    make_folder(path.parent, account)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.write_text(text)
    account.own(fresh)
    fresh.replace(path)
