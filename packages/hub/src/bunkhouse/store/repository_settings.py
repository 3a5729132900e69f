"""Queries over what admins say of repositories: a value of JSON for each."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from bunkhouse.store import tables
from bunkhouse.store.connections import Transaction
from bunkhouse.store.database import hold

_R = tables.repository_settings


@dataclass(frozen=True, slots=True)
class RepositorySettingsRow:
    """A row of `repository_settings`."""

    repository: str
    """Its address in the one form that all its spellings have."""
    settings: dict[str, Any]
    updated_at: datetime
    updated_by: str
    """A name."""


async def every(tx: Transaction) -> list[RepositorySettingsRow]:
    """All, by address."""
    found = await tx.execute(select(_R).order_by(_R.c.repository))
    return [RepositorySettingsRow(*row) for row in found]


async def get(tx: Transaction, repository: str) -> RepositorySettingsRow | None:
    """What is said of one repository."""
    query = select(_R).where(_R.c.repository == repository)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else RepositorySettingsRow(*row)


async def put(tx: Transaction, row: RepositorySettingsRow) -> None:
    """Keep it in place of what was said before."""
    await hold(tx, f"repository settings {row.repository}")
    await forget(tx, row.repository)
    await tx.execute(insert(_R).values(asdict(row)))


async def forget(tx: Transaction, repository: str) -> bool:
    """Say nothing of a repository any more; False where nothing was said."""
    return (await tx.execute(delete(_R).where(_R.c.repository == repository))).rowcount == 1
