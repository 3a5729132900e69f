"""Queries over the GitHub App of an installation, and over setting one up.

Secrets come in sealed and are never seen here.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, or_, select, update

from bunkhouse.store import tables
from bunkhouse.store.connections import Transaction
from bunkhouse.store.database import hold

_A = tables.github_apps
_S = tables.github_app_setups


@dataclass(frozen=True, slots=True)
class AppRow:
    """A row of `github_apps`."""

    id: str
    url: str
    app_id: str
    slug: str
    name: str
    owner: str
    owned_by_organization: bool
    html_url: str
    client_id: str
    client_secret: str
    webhook_secret: str | None
    """None: it was made without a webhook."""
    private_key: str
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SetupRow:
    """A row of `github_app_setups`: a browser that is to make an App at GitHub."""

    secret_hash: str
    user_id: str
    url: str
    organization: str | None
    hub: str
    expires_at: datetime


async def current(tx: Transaction) -> AppRow | None:
    """The App of this installation."""
    row = (await tx.execute(select(_A).order_by(_A.c.created_at, _A.c.id))).first()
    return None if row is None else AppRow(*row)


async def add(tx: Transaction, row: AppRow) -> bool:
    """Keep an App; False where there is one already, which stays."""
    await hold(tx, "github app")
    if await current(tx) is not None:
        return False
    await tx.execute(insert(_A).values(asdict(row)))
    return True


async def change(tx: Transaction, app_id: str, columns: dict[str, Any]) -> None:
    """Set columns of an App."""
    await tx.execute(update(_A).where(_A.c.id == app_id).values(columns))


async def remove(tx: Transaction, app_id: str) -> bool:
    """Forget an App; False if it is gone."""
    return (await tx.execute(delete(_A).where(_A.c.id == app_id))).rowcount == 1


async def begin(tx: Transaction, row: SetupRow, now: datetime) -> None:
    """Keep that somebody sets one up, in place of what they began before, and of what is over."""
    await tx.execute(delete(_S).where(or_(_S.c.user_id == row.user_id, _S.c.expires_at <= now)))
    await tx.execute(insert(_S).values(asdict(row)))


async def begun(tx: Transaction, secret_hash: str) -> SetupRow | None:
    """What was begun with a secret."""
    row = (await tx.execute(select(_S).where(_S.c.secret_hash == secret_hash))).one_or_none()
    return None if row is None else SetupRow(*row)


async def take(tx: Transaction, secret_hash: str) -> bool:
    """Use up what was begun with a secret: of two who come at once only one is answered True."""
    return (await tx.execute(delete(_S).where(_S.c.secret_hash == secret_hash))).rowcount == 1


async def put_back(tx: Transaction, row: SetupRow) -> None:
    """Have it be begun again, unless the same person has begun anew meanwhile."""
    others = await tx.execute(select(_S.c.secret_hash).where(_S.c.user_id == row.user_id))
    if others.first() is None:
        await tx.execute(insert(_S).values(asdict(row)))
