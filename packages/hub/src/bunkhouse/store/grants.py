"""Queries over grants: what people let the hub do for them at forges.

Tokens come in sealed and are never seen here.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import delete, insert, select, update

from bunkhouse.store import tables
from bunkhouse.store.connections import Transaction
from bunkhouse.store.database import hold

Kind = Literal["token", "oauth", "app"]

_G = tables.grants


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A row of `grants`."""

    id: str
    user_id: str
    forge: str
    host: str
    """With its port, where that is not the usual one."""
    kind: Kind
    """A token that the person made; that of an OAuth App; that of a GitHub App, which ends soon."""
    account_id: str
    login: str
    name: str
    access_token: str
    refresh_token: str | None
    expires_at: datetime | None
    scopes: list[str]
    created_at: datetime
    updated_at: datetime
    revoked_at: datetime | None = None


async def put(tx: Transaction, row: GrantRow) -> None:
    """Keep a grant, in place of what this person had at this host."""
    await hold(tx, f"grant {row.user_id} {row.host}")
    await forget(tx, row.user_id, row.host)
    await tx.execute(insert(_G).values(asdict(row)))


async def of(tx: Transaction, user_id: str, host: str) -> GrantRow | None:
    """What a person has at a host."""
    query = select(_G).where(_G.c.user_id == user_id, _G.c.host == host)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else GrantRow(*row)


async def of_people(tx: Transaction, user_ids: Collection[str], host: str) -> list[GrantRow]:
    """What some people have at a host."""
    query = select(_G).where(_G.c.user_id.in_(user_ids), _G.c.host == host)
    return [GrantRow(*row) for row in await tx.execute(query)]


async def of_person(tx: Transaction, user_id: str) -> list[GrantRow]:
    """What a person has, by host."""
    query = select(_G).where(_G.c.user_id == user_id).order_by(_G.c.host)
    return [GrantRow(*row) for row in await tx.execute(query)]


async def every(tx: Transaction) -> list[GrantRow]:
    """All that there are."""
    return [GrantRow(*row) for row in await tx.execute(select(_G).order_by(_G.c.id))]


async def replace(tx: Transaction, grant_id: str, columns: dict[str, Any], *, was: str) -> bool:
    """Set columns of a grant if its (sealed) access token is still this; say whether it was."""
    query = update(_G).where(_G.c.id == grant_id, _G.c.access_token == was)
    return (await tx.execute(query.values(columns))).rowcount == 1


async def forget(tx: Transaction, user_id: str, host: str) -> bool:
    """Forget what a person has at a host; False if that is nothing."""
    query = delete(_G).where(_G.c.user_id == user_id, _G.c.host == host)
    return (await tx.execute(query)).rowcount == 1
