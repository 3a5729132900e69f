"""The branch that is a session's own at the repository's forge: named once, when it begins."""

import re
import unicodedata

from bunkhouse.sessions.ports import RepositoryChoice
from bunkhouse.store.sessions import SessionRow

_SLUG_LENGTH = 40
_WITHOUT_TITLE = "work"


def columns(
    choice: RepositoryChoice | None, title: str, session_id: str, template: str
) -> dict[str, str | None]:
    """What a session's row says of its repository.

    It has a branch of its own where whoever starts it may push at the repository's host.
    """
    pushes = choice is not None and choice.pushes
    return {
        "repository": choice.shown if choice else None,
        "repository_door": choice.door if choice else None,
        "work_branch": branch(template, title, session_id) if pushes else None,
    }


def change(row: SessionRow, choice: RepositoryChoice, template: str) -> None:
    """Give a session another repository, of which it takes the default branch."""
    for name, value in columns(choice, row.title, row.id, template).items():
        setattr(row, name, value)
    begin_at(row, "")


def begin_at(row: SessionRow, branch: str) -> None:
    """Have a session begin at another branch, whose settings are its own; empty: the default."""
    row.branch = branch.strip() or None
    row.set_up = None


def branch(template: str, title: str, session_id: str) -> str:
    """Name a branch by a template with `{slug}` (of the title) and `{id}` (of the session)."""
    return template.format(slug=slug(title), id=session_id)


def slug(title: str) -> str:
    """Small letters and digits of a title, with hyphens between words."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    return "-".join(words)[:_SLUG_LENGTH].strip("-") or _WITHOUT_TITLE
