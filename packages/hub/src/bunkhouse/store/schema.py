"""The revisions of the tables, applied to either store."""

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bunkhouse.errors import Unavailable

_MIGRATIONS = Path(__file__).parent / "migrations"

_one_at_a_time = threading.Lock()
"""Alembic keeps what it works on in globals of its modules."""


def known() -> list[str]:
    """The revisions that this version knows, oldest first; it works with the last."""
    found = ScriptDirectory(str(_MIGRATIONS)).walk_revisions()
    return [each.revision for each in found][::-1]


def revision(connection: Connection) -> str | None:
    """The revision of the tables that are there; None where there are none."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: Connection, to: str = "head") -> None:
    """Apply the revisions that are missing, in the transaction that `connection` is in.

    Raises:
        Unavailable: the tables are of a version that this one does not know.
    """
    there = revision(connection)
    if there is not None and there not in known():
        raise Unavailable(
            f"The database was written by a newer version of Bunkhouse (its revision is {there}).",
            remedy="Use that version or a newer one, or restore a backup that this one made.",
            code="newer_schema",
        )
    with _one_at_a_time:
        command.upgrade(_config(connection), to)


def downgrade(connection: Connection, to: str) -> None:
    """Take revisions back, down to `to` (`base`: all of them), with what only they have."""
    with _one_at_a_time:
        command.downgrade(_config(connection), to)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
