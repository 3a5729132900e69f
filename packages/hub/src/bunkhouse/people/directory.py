"""Everybody of an installation: who they are, which role they have, and that there is an admin."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from bunkhouse.bus import Bus
from bunkhouse.errors import LastAdmin, NotFound
from bunkhouse.people.identity import Person, Role
from bunkhouse.store import Database, Transaction, directory, invites
from bunkhouse.store import people as rows

_audit = structlog.get_logger("bunkhouse.audit")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody, as an admin sees them."""

    id: str
    name: str
    role: Role
    created_at: datetime
    deactivated_at: datetime | None
    """Since when they may not sign in; None: they may."""


class Directory:
    """Lists people, and changes what they are. `clock` gives the time in UTC."""

    def __init__(
        self, database: Database, bus: Bus, *, clock: Callable[[], datetime] = _now
    ) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock

    async def everybody(self) -> list[Entry]:
        """All people, by name; those too who may not sign in."""
        async with self._database.read() as tx:
            return [_entry(user) for user in await directory.everybody(tx)]

    async def set_role(self, user_id: str, role: Role, by: Person) -> Entry:
        """Give somebody another role in the installation.

        Who is no admin any more invites nobody: what they handed out is revoked.

        Raises:
            NotFound: there is nobody of this id.
            LastAdmin: there would be no admin.
        """
        async with self._changing(user_id) as (tx, user):
            if role != "admin":
                await _leave_an_admin(tx, user)
                await invites.revoke_those_of(tx, user_id, self._clock())
            await directory.set_role(tx, user_id, role)
        _audit.info("person_role_set", person=user_id, role=role, was=user.role, by=by.id)
        return await self._entry(user_id)

    async def deactivate(self, user_id: str, by: Person) -> None:
        """Sign somebody out everywhere, for good: their browsers, their tokens, links and invites.

        What they did stays, under their name.

        Raises:
            NotFound: there is nobody of this id.
            LastAdmin: there would be no admin.
        """
        async with self._changing(user_id) as (tx, user):
            await _leave_an_admin(tx, user)
            now = self._clock()
            await directory.set_deactivated(tx, user_id, user.deactivated_at or now)
            await directory.sign_out_everywhere(tx, user_id, now)
        _audit.info("person_deactivated", person=user_id, by=by.id)

    async def reactivate(self, user_id: str, by: Person) -> Entry:
        """Let somebody sign in again. Their tokens stay revoked.

        Raises:
            NotFound: there is nobody of this id.
        """
        async with self._changing(user_id) as (tx, _):
            await directory.set_deactivated(tx, user_id, None)
        _audit.info("person_reactivated", person=user_id, by=by.id)
        return await self._entry(user_id)

    @asynccontextmanager
    async def _changing(self, user_id: str) -> AsyncGenerator[tuple[Transaction, rows.User]]:
        async with self._database.write() as tx:
            user = await rows.user(tx, user_id, lock=True)
            if user is None:
                raise nobody(user_id)
            yield tx, user
        self._bus.publish(user_id, "access")

    async def _entry(self, user_id: str) -> Entry:
        async with self._database.read() as tx:
            user = await rows.user(tx, user_id)
        if user is None:
            raise nobody(user_id)
        return _entry(user)


def nobody(user_id: str) -> NotFound:
    """Make the error for a person who is not there."""
    return NotFound(f"There is no person {user_id}.")


async def _leave_an_admin(tx: Transaction, user: rows.User) -> None:
    if user.role != "admin" or user.deactivated_at is not None:
        return
    if await directory.admins_besides(tx, user.id) == 0:
        raise LastAdmin(
            f"{user.name} is the only admin.", remedy="Make somebody else an admin first."
        )


def _entry(user: rows.User) -> Entry:
    return Entry(user.id, user.name, user.role, user.created_at, user.deactivated_at)
